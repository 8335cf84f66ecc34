"""Answers as bytes. Values are stored as JSON text and are put into the answer as they stand, never decoded."""

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from django.http import HttpResponse

from api.conditional import names_tag
from namespaces import clock, importing
from namespaces.batches import Batch, Check, NotFound, Release, Result
from namespaces.changes import ChangePage, LoggedChange
from namespaces.history import Past, Version, Versions
from namespaces.leases import Claim, Lease
from namespaces.names import Writer
from namespaces.quarantining import Quarantined
from namespaces.reading import Page, Remembered, State
from namespaces.removal import Cleared
from namespaces.rollback import Fate, Report
from namespaces.tokens import Known, Shared
from namespaces.units import Held
from namespaces.verdicts import Allowance
from namespaces.writing import Changed, Deleted, Written

CLAIM_CODE = "BotWire-Claim-Code"
STATE_LIMITS = ("writes_per_day", "bytes", "value_bytes", "key_bytes", "json_depth", "keys_per_page", "ttl_seconds")


_encoder = json.JSONEncoder(ensure_ascii=False)
_quoted = json.encoder.encode_basestring  # a text as `_encoder` writes it


Parts = list["str | StoredValue"]


def as_json(value: Any) -> str:
    """JSON as people read it in a terminal: Unicode as it is."""
    return _encoder.encode(value)


def timestamp(moment: datetime | None) -> str | None:
    """RFC 3339 in UTC, always with six digits of a second."""
    if moment is None:
        return None
    if moment.tzinfo is not UTC:
        moment = moment.astimezone(UTC)
    return moment.isoformat(timespec="microseconds")[:-6] + "Z"


def etag(version: int) -> str:
    """A strong entity tag (RFC 9110 section 8.8.3): the version in double quotes."""
    return f'"{version}"'


@dataclass(frozen=True, slots=True)
class StoredValue:
    """A value in an answer, which the change log has at `revision` too; without a `text` its member is left out."""

    revision: int
    text: str | None

    @property
    def member(self) -> str:
        return "" if self.text is None else f'"value": {self.text}, '


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer on its way out: of Django's, see `response_of`, or of `api.lane`, which has no HttpResponse.

    `parts`, where there are any, are those of the body, so that a value need not be kept twice.
    """

    body: str
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    parts: tuple[str | StoredValue, ...] = ()

    @classmethod
    def of_parts(cls, parts: "Parts", status: int = 200, headers: dict[str, str] | None = None) -> "Answer":
        body = "".join(part if isinstance(part, str) else part.member for part in parts)
        return cls(body, status, headers or {}, tuple(parts))

    def all_headers(self) -> dict[str, str]:
        """Its headers in full. Nobody keeps an answer: memory changes."""
        return {"Content-Type": "application/json", "Cache-Control": "no-cache", **self.headers}


def response_of(answer: Answer) -> HttpResponse:
    """The answer as Django takes it."""
    return HttpResponse(answer.body, status=answer.status, headers=answer.all_headers())


def entry_answer(entry: Remembered, none_match: str | None) -> Answer:
    """The entry, or 304 where `none_match`, the header If-None-Match, names its version."""
    tag = etag(entry.version)
    if none_match is not None and names_tag(none_match, tag):
        return Answer("", 304, {"ETag": tag})
    return Answer(entry_body(entry), headers={"ETag": tag})


def written_answer(written: Written) -> Answer:
    headers = {"ETag": etag(written.version), **rate_limit_headers(written.allowance)}
    return Answer(written_body(written), 201 if written.is_new else 200, headers)


def changed_answer(changed: Changed, *, is_minimal: bool = False) -> Answer:
    """The answer to a change; `is_minimal`: without the value."""
    written = changed.written
    headers = {"ETag": etag(written.version), **rate_limit_headers(written.allowance)}
    if is_minimal:
        headers["Preference-Applied"] = "return=minimal"
    return Answer.of_parts(changed_parts(changed, is_minimal=is_minimal), 201 if written.is_new else 200, headers)


def changed_parts(changed: Changed, *, is_minimal: bool = False, with_namespace: bool = True) -> Parts:
    """What is answered to a change, its value a part of its own."""
    written, edited = changed.written, changed.edited
    members = _written_members(written, with_namespace=with_namespace) | {"stored": edited.has_changed}
    after = {name: members.pop(name) for name in ("created_at", "updated_at", "expires_at")}
    if edited.length is not None:
        after["length"] = edited.length
    popped = "" if edited.popped is None else f', "popped": [{", ".join(edited.popped)}]'
    value: Parts = [] if is_minimal else [StoredValue(written.version, edited.value.text)]
    return [f"{as_json(members)[:-1]}, ", *value, f"{as_json(after)[1:-1]}{popped}}}"]


def batch_answer(batch: Batch) -> Answer:
    parts: Parts = [f'{as_json({"namespace": batch.namespace, "revision": batch.revision})[:-1]}, "results": [']
    for number, result in enumerate(batch.results):
        parts += [", "] if number else []
        parts += _result_parts(result)
    headers = rate_limit_headers(batch.allowance) if batch.allowance else {}
    return Answer.of_parts([*parts, "]}"], headers=headers)


def _result_parts(result: Result) -> Parts:
    match result:
        case Remembered():
            return _entry_parts({"key": result.key, "found": True}, result)
        case NotFound(key, was_to_be_deleted=True):
            return [as_json({"key": key, "deleted": False, "version": None})]
        case NotFound(key):
            return [as_json({"key": key, "found": False})]
        case Written():
            return [as_json(_written_members(result, with_namespace=False))]
        case Changed():
            return changed_parts(result, with_namespace=False)
        case Deleted():
            return [as_json({"key": result.key, "deleted": True, "version": result.version})]
        case Check():
            return [as_json({"key": result.key, "version": result.version})]
        case Release():
            return [as_json(_released_members(result.lease))]


def import_answer(report: importing.Report, *, is_dry_run: bool) -> Answer:
    members = {
        "namespace": report.namespace,
        "revision": report.revision,
        "dry_run": is_dry_run,
        "exact": report.is_exact,
        "new": report.new,
        "same": report.same,
        "different": report.different,
        "expired": report.expired,
        "too_large": report.too_large,
        "changes": report.changes,
        "writes_needed": report.writes_needed,
        "writes_left": report.writes_left,
        "bytes_needed": report.bytes_needed,
        "bytes_left": report.bytes_left,
    }
    return Answer(as_json(members), headers=rate_limit_headers(report.allowance) if report.allowance else {})


def acquired_answer(lease: Lease) -> Answer:
    return Answer(lease_body(lease), 201)


def lease_answer(lease: Lease) -> Answer:
    return Answer(lease_body(lease))


def released_answer(namespace: str, lease: Held) -> Answer:
    return Answer(as_json({"namespace": namespace, **_released_members(lease)}))


def _released_members(lease: Held) -> dict[str, Any]:
    return {"name": lease.name, "fencing": lease.fencing, "released": True}


def claim_answer(claim: Claim) -> Answer:
    entry = _entry_parts({"key": claim.entry.key}, claim.entry)
    return Answer.of_parts(['{"entry": ', *entry, f', "lease": {lease_body(claim.lease)}}}'])


def lease_body(lease: Lease) -> str:
    return as_json(
        {
            "namespace": lease.namespace,
            "name": lease.name,
            "holder": lease.holder or None,
            "fencing": lease.fencing,
            "acquired_at": timestamp(lease.acquired_at),
            "expires_at": timestamp(lease.expires_at),
        }
    )


def deleted_answer(deleted: Deleted) -> Answer:
    return Answer(deleted_body(deleted), headers=rate_limit_headers(deleted.allowance))


def json_response(body: str, *, status: int = 200, headers: dict[str, str] | None = None) -> HttpResponse:
    return response_of(Answer(body, status, headers or {}))


def rate_limit_headers(allowance: Allowance) -> dict[str, str]:
    """How many writes are left, and for how many seconds."""
    left = allowance.resets_at - clock.now()
    return {
        "RateLimit-Limit": str(allowance.limit),
        "RateLimit-Remaining": str(allowance.remaining),
        "RateLimit-Reset": str(max(0, round(left.total_seconds()))),
    }


def written_body(written: Written) -> str:
    return as_json(_written_members(written))


def _written_members(written: Written, *, with_namespace: bool = True) -> dict[str, Any]:
    head = {"namespace": written.namespace} if with_namespace else {}
    return {
        **head,
        "key": written.key,
        "version": written.version,
        "stored": True,
        "bytes": written.bytes,
        "created_at": timestamp(written.created_at),
        "updated_at": timestamp(written.updated_at),
        "expires_at": timestamp(written.expires_at),
    }


def deleted_body(deleted: Deleted) -> str:
    return as_json({"namespace": deleted.namespace, "key": deleted.key, "deleted": True, "version": deleted.version})


def cleared_body(cleared: Cleared) -> str:
    return as_json(
        {
            "namespace": cleared.namespace,
            "prefix": cleared.prefix,
            "deleted": cleared.count > 0,
            "count": cleared.count,
        }
    )


def entry_body(entry: Remembered, *, with_namespace: bool = True) -> str:
    """The entry with its value's text in its place."""
    namespace = f'"namespace": {_quoted(entry.namespace)}, ' if with_namespace else ""
    return f'{{{namespace}"key": {_quoted(entry.key)}, "value": {entry.value}, {_after_value(entry)}'


def _entry_parts(head: dict[str, Any], entry: Remembered) -> Parts:
    return [f"{as_json(head)[:-1]}, ", StoredValue(entry.version, entry.value), _after_value(entry)]


def _after_value(entry: Remembered) -> str:
    """The members of an entry after its value, and its end: what every read writes, so it is written by hand."""
    writer = as_json(writer_members(entry.writer, entry.is_verified)) if entry.writer else "null"
    expires_at = f'"{timestamp(entry.expires_at)}"' if entry.expires_at else "null"
    return (
        f'"version": {entry.version}, "writer": {writer}, "created_at": "{timestamp(entry.created_at)}", '
        f'"updated_at": "{timestamp(entry.updated_at)}", "expires_at": {expires_at}}}'
    )


def writer_members(name: str, is_verified: bool) -> dict[str, Any] | None:
    """Who wrote; a name that is not verified is what the writer called itself."""
    return {"name": name, "verified": is_verified} if name else None


def keys_answer(namespace: str, page: Page) -> Answer:
    """A page of a list."""
    return Answer(page_body(namespace, page))


def page_body(namespace: str, page: Page) -> str:
    body = as_json(
        {"namespace": namespace, "count": len(page.keys), "keys": page.keys, "next_cursor": page.next_cursor}
    )
    if page.entries is None:
        return body
    entries = ", ".join(entry_body(entry, with_namespace=False) for entry in page.entries)
    return f'{body[:-1]}, "entries": [{entries}]}}'


def history_body(namespace: str, key: str, found: Versions) -> str:
    head = as_json({"namespace": namespace, "key": key})[:-1]
    versions = ", ".join(map(_version_body, found.versions))
    return f'{head}, "versions": [{versions}], "next_before": {as_json(found.next_before)}}}'


def _version_body(version: Version) -> str:
    members = {
        "version": version.version,
        "kind": version.kind,
        "bytes": version.bytes,
        "writer": writer_members(version.writer, version.is_verified),
        "at": timestamp(version.at),
        **({"quarantined": True} if version.is_hidden else {}),
    }
    value = "" if version.value is None else f', "value": {version.value}'
    return f"{as_json(members)[:-1]}{value}}}"


def past_answer(past: Past, none_match: str | None) -> Answer:
    """What a key was at one version, or 304 where `none_match` names it: that never becomes another."""
    version = past.version
    tag = etag(version.version)
    if none_match is not None and names_tag(none_match, tag):
        return Answer("", 304, {"ETag": tag})
    head = as_json({"namespace": past.namespace, "key": past.key})[:-1]
    return Answer(f"{head}, {_version_body(version)[1:]}", headers={"ETag": tag})


def rollback_answer(report: Report) -> Answer:
    """What a rollback did, or will do as a job: 202 then."""
    return Answer(rollback_body(report), 202 if report.job else 200)


def rollback_body(report: Report) -> str:
    extent, job = report.extent, report.job
    return as_json(
        {
            "namespace": extent.namespace,
            "writer": writer_members(extent.writer.name, extent.writer.is_verified),
            "since": extent.since,
            "until": extent.until,
            "prefix": extent.prefix,
            "oldest_revision": extent.trimmed_revision + 1,
            "dry_run": report.is_dry_run,
            "job": timestamp(job.started_at) if job else None,
            "state": job.state if job else "done",
            "reached": job.cursor_revision if job else extent.until,
            "complete": report.is_whole,
            "keys": report.counts.total(),
            **{fate.value: report.counts[fate] for fate in Fate},
            "changes": [{"key": one.key, "from": one.from_version, "to": one.to_version} for one in report.moved],
            "left": [{"key": one.key, "why": one.fate.value} for one in report.left],
        }
    )


def quarantined_answer(namespace: str, found: Quarantined) -> Answer:
    return Answer(as_json({"namespace": namespace, **_quarantined_members(found)}), 201 if found.is_new else 200)


def quarantine_body(namespace: str, found: list[Quarantined]) -> str:
    return as_json({"namespace": namespace, "quarantined": [_quarantined_members(one) for one in found]})


def released_writer_body(namespace: str, writer: Writer) -> str:
    members = {"namespace": namespace, "writer": writer_members(writer.name, writer.is_verified), "released": True}
    return as_json(members)


def _quarantined_members(found: Quarantined) -> dict[str, Any]:
    return {
        "writer": writer_members(found.writer.name, found.writer.is_verified),
        "reason": found.reason,
        "at": timestamp(found.at),
        "by": writer_members(found.placed_by.name, found.placed_by.is_verified),
    }


def changes_body(page: ChangePage) -> str:
    head = as_json({"namespace": page.namespace, "revision": page.revision})[:-1]
    changes = ", ".join(map(change_body, page.changes))
    return f'{head}, "changes": [{changes}], "next": {page.next}}}'


def change_body(change: LoggedChange) -> str:
    """One change, on one line unless its value was set on several; `value` is there where one was set, and is shown."""
    before = as_json({"revision": change.revision, "kind": change.kind, "key": change.key})[:-1]
    value = "" if change.value is None else f', "value": {change.value}'
    after = as_json(
        {
            "bytes": change.bytes,
            "writer": writer_members(change.writer, change.is_verified),
            "at": timestamp(change.at),
            **({"quarantined": True} if change.is_hidden else {}),
        }
    )[1:]
    return f"{before}{value}, {after}"


EVENT_STREAM = {"Content-Type": "text/event-stream", "X-Accel-Buffering": "no"}  # nginx would keep events back


def events_answer(page: ChangePage) -> Answer:
    """A stream of events that is over at once: the client comes again for what happens later."""
    return Answer(stream_start(page) + events_of(page), headers=EVENT_STREAM)


def stream_start(page: ChangePage) -> str:
    """How soon a client that lost its stream may come again, in milliseconds, and from which revision."""
    return f"retry: 1000\nid: {page.since}\n\n"


def events_of(page: ChangePage) -> str:
    """The changes as server-sent events, each by the id of its revision."""
    return "".join(map(_event, page.changes))


def _event(change: LoggedChange) -> str:
    # White space between the tokens of JSON may be line breaks, which end a line of data; strings have none inside.
    data = change_body(change).replace("\r", " ").replace("\n", " ")
    return f"id: {change.revision}\nevent: change\ndata: {data}\n\n"


def access_word(is_private: bool) -> str:
    """Who may see a namespace: whoever knows its name, or tokens alone."""
    return "private" if is_private else "open"


def token_members(token: Known) -> dict[str, Any]:
    """A token as it may be told again and again."""
    return {
        "id": token.id,
        "role": token.role,
        "name": token.name or None,
        "read": token.read,
        "write": token.write,
        "shared_by": token.parent or None,
        "created_at": timestamp(token.created_at),
        "expires_at": timestamp(token.expires_at),
        "last_used_at": timestamp(token.last_used_at),
    }


def shared_answer(shared: Shared) -> Answer:
    """The only answer in which a token stands; nobody on the way may keep it."""
    head = {"namespace": shared.namespace, "access": access_word(is_private=True), "token": shared.text}
    return Answer(as_json({**head, **token_members(shared.token)}), 201, {"Cache-Control": "no-store"})


def token_answer(namespace: str, token: Known) -> Answer:
    return Answer(as_json({"namespace": namespace, **token_members(token)}))


def tokens_answer(namespace: str, tokens: list[Known]) -> Answer:
    members = {"namespace": namespace, "count": len(tokens), "tokens": [token_members(token) for token in tokens]}
    return Answer(as_json(members))


def revoked_answer(namespace: str, token_id: str, count: int) -> Answer:
    return Answer(as_json({"namespace": namespace, "id": token_id, "revoked": True, "count": count}))


def state_body(state: State) -> str:
    return as_json(
        {
            "namespace": state.name,
            "access": access_word(state.is_private),
            "status": state.status,
            "reason": state.reason or None,
            "until": timestamp(state.until),
            "revision": state.revision,
            "created_at": timestamp(state.created_at),
            "last_write_at": timestamp(state.last_write_at),
            "limits": {name: state.limits[name] for name in STATE_LIMITS},
            "usage": {
                "day": state.day.isoformat(),
                "writes": state.writes,
                "bytes": state.bytes,
                "entries": state.entries,
                "reads": state.reads,
                "resets_at": timestamp(state.resets_at),
            },
        }
    )
