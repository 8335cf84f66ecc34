"""The addresses of the memory plane: each view reads the request, makes one call of the domain, and renders."""

from functools import partial
from typing import Any

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.views import APIView

from api import rendering, schema
from api.access import Asked, asked_by_anyone, asked_of
from api.bodies import (
    FRAME_BYTES,
    REASON_BYTES,
    TOKEN_BYTES,
    change_body_of,
    claim_namespace_body_of,
    content_of,
    content_up_to,
    lease_body_of,
    lines_of,
    operations_of,
    overlap_of,
    parsed,
    quarantine_body_of,
    restore_body_of,
    rollback_body_of,
    token_body_of,
)
from api.brakes import count_guess
from api.conditional import condition_of
from api.portability import export_response, part_of
from api.problems import answer, safe_only
from api.repeating import answer_again, terms_of
from api.requests import (
    by_of,
    choice_of,
    fencing_of,
    flag_of,
    job_of,
    key_of,
    lease_name_of,
    page_limit_of,
    parameters_of,
    revision_of,
    since_of,
    text_of,
    truth_of,
    wait_of,
    wants_minimal,
    wants_stream,
    wants_values,
)
from api.waits import FULFILLED, TIMEOUT, awaited_in, outcome_of, telling_outcome
from namespaces import (
    access,
    batches,
    changes,
    database,
    exporting,
    history,
    importing,
    leases,
    quarantining,
    reading,
    removal,
    restoring,
    rollback,
    rollback_jobs,
    tally,
    tokens,
    writing,
)
from namespaces.errors import ClaimCodeRequired, DatabaseTrouble, KeyNotFound, LeaseHeld, NothingToClaim, Refusal
from namespaces.importing import OnConflict
from namespaces.limits import limit
from namespaces.names import Writer
from namespaces.units import Repeated


class MemoryView(APIView):
    """What the views have in common: refusals are counted for the namespace they hit, OPTIONS tells the methods.

    `asked` is which namespace to ask for, and for whom; `needs_admission` tells that not everyone sees a private one.
    `more_headers` are those that an answer gets whether it is one or a refusal.
    """

    asked: Asked
    needs_admission = True

    def setup(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        super().setup(request, *args, **kwargs)
        self.more_headers: dict[str, str] = {}

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        if request.method in self.allowed_methods and request.method != "OPTIONS":
            self.asked = asked_of(request) if self.needs_admission else asked_by_anyone(request)

    def handle_exception(self, exc: Exception) -> Any:
        if isinstance(exc, Repeated):
            self.asked.creation.has_happened |= exc.is_first
            return rendering.response_of(answer_again(exc))
        if isinstance(exc, Refusal) and "namespace" in self.kwargs:
            tally.count_refusal(self.kwargs["namespace"], exc.code)
        return super().handle_exception(exc)

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        answered = super().finalize_response(request, response, *args, **kwargs)
        for name, value in self.more_headers.items():
            answered[name] = value
        if hasattr(self, "asked"):
            self.asked.finish(answered)
        return answered

    @extend_schema(exclude=True)
    def options(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        return HttpResponse(status=204, headers={"Allow": ", ".join(self.allowed_methods)})


class EntryView(MemoryView):
    """`/memory/{namespace}/{key}`: one entry. Nothing is waited for here: see `api.lane.held`."""

    @schema.get_entry
    def get(self, request: Request, namespace: str, key: str) -> HttpResponse:
        none_match = request.headers.get("If-None-Match")
        parameters = parameters_of(request, "wait", "equals", "version")
        if "version" in parameters:
            return self._get_past(request, none_match)
        awaited = awaited_in(parameters, none_match)
        try:
            entry = reading.get_entry(self.asked.namespace, key_of(request), caller=self.asked.caller)
        except KeyNotFound:
            self.more_headers |= outcome_of(awaited, None)
            raise
        self.more_headers |= outcome_of(awaited, entry)
        tally.count_read(entry.namespace)
        return rendering.response_of(rendering.entry_answer(entry, none_match))

    def _get_past(self, request: Request, none_match: str | None) -> HttpResponse:
        version = revision_of(parameters_of(request, "version"), "version") or 0
        past = history.past_of(self.asked.namespace, key_of(request), version, caller=self.asked.caller)
        tally.count_read(past.namespace)
        return rendering.response_of(rendering.past_answer(past, none_match))

    @schema.set_entry
    def put(self, request: Request, namespace: str, key: str) -> HttpResponse:
        parameters_of(request)
        namespace, caller = self.asked.namespace, self.asked.caller
        key, condition = key_of(request), condition_of(request)
        content = content_of(request, namespace)
        body, terms = parsed(content), terms_of(request, content, rendering.written_answer)
        written = writing.set_entry(
            namespace, key, body.value, ttl=body.ttl, condition=condition, caller=caller, terms=terms
        )
        tally.count_write(namespace)
        return rendering.response_of(rendering.written_answer(written))

    @schema.change_entry
    def patch(self, request: Request, namespace: str, key: str) -> HttpResponse:
        parameters_of(request)
        namespace, caller = self.asked.namespace, self.asked.caller
        key, condition = key_of(request), condition_of(request)
        content = content_of(request, namespace)
        body = change_body_of(request.META.get("CONTENT_TYPE", ""), content)
        answer = partial(rendering.changed_answer, is_minimal=wants_minimal(request))
        terms = terms_of(request, content, answer)
        changed = writing.change_entry(
            namespace, key, body.edit, ttl=body.ttl, condition=condition, caller=caller, terms=terms
        )
        if changed.edited.has_changed:
            tally.count_write(namespace)
        return rendering.response_of(answer(changed))

    @schema.delete_entry
    def delete(self, request: Request, namespace: str, key: str) -> HttpResponse:
        parameters_of(request)
        namespace, caller = self.asked.namespace, self.asked.caller
        key, condition = key_of(request), condition_of(request)
        terms = terms_of(request, b"", rendering.deleted_answer)
        deleted = writing.delete_entry(namespace, key, condition=condition, caller=caller, terms=terms)
        tally.count_write(namespace)
        return rendering.response_of(rendering.deleted_answer(deleted))


class EntriesView(MemoryView):
    """`/memory/{namespace}`: all entries, or those under a prefix."""

    @schema.list_entries
    def get(self, request: Request, namespace: str) -> HttpResponse:
        parameters = parameters_of(request, "prefix", "cursor", "limit", "include")
        namespace = self.asked.namespace
        page = reading.list_entries(
            namespace,
            caller=self.asked.caller,
            prefix=parameters.get("prefix", ""),
            cursor=parameters.get("cursor", ""),
            most=page_limit_of(parameters),
            with_values=wants_values(parameters),
        )
        tally.count_read(namespace)
        return rendering.response_of(rendering.keys_answer(namespace, page))

    @schema.clear_entries
    def delete(self, request: Request, namespace: str) -> HttpResponse:
        parameters = parameters_of(request, "prefix")
        cleared = removal.clear(self.asked.namespace, parameters.get("prefix", ""), caller=self.asked.caller)
        if cleared.allowance:
            tally.count_write(cleared.namespace)
        headers = rendering.rate_limit_headers(cleared.allowance) if cleared.allowance else {}
        return rendering.json_response(rendering.cleared_body(cleared), headers=headers)


class NamespaceView(MemoryView):
    """`/namespaces/{namespace}`: status, limits, usage."""

    @schema.get_namespace
    def get(self, request: Request, namespace: str) -> HttpResponse:
        parameters_of(request)
        state = reading.state(self.asked.namespace, caller=self.asked.caller)
        return rendering.json_response(rendering.state_body(state))


class ChangesView(MemoryView):
    """`/namespaces/{namespace}/changes`: what happened after a revision. Nothing is waited for here either."""

    @schema.get_changes
    def get(self, request: Request, namespace: str) -> HttpResponse:
        parameters = parameters_of(request, "since", "prefix", "limit", "wait", "writer", "verified")
        is_stream = wants_stream(request.headers.get("Accept", ""))
        page = changes.changes_since(
            self.asked.namespace,
            since_of(parameters, request.headers.get("Last-Event-ID", "") if is_stream else ""),
            prefix=parameters.get("prefix", ""),
            by=by_of(parameters),
            most=page_limit_of(parameters),
            caller=self.asked.caller,
        )
        tally.count_read(page.namespace)
        if is_stream:
            return rendering.response_of(rendering.events_answer(page))
        if wait_of(parameters) is not None:
            self.more_headers |= FULFILLED if page.changes else TIMEOUT
        return rendering.json_response(rendering.changes_body(page))


class ExportView(MemoryView):
    """`/namespaces/{namespace}/export`: everything under a prefix, as it was at one revision."""

    @schema.export
    def get(self, request: Request, namespace: str) -> StreamingHttpResponse:
        parameters = parameters_of(request, "prefix", "history")
        prefix, has_history = parameters.get("prefix", ""), flag_of(parameters, "history")
        export = exporting.begin(self.asked.namespace, prefix, has_history=has_history, caller=self.asked.caller)
        tally.count_read(self.asked.namespace)
        return export_response(export)


class ImportView(MemoryView):
    """`/namespaces/{namespace}/import`: a part of an export is taken in, all or nothing."""

    @schema.import_
    def post(self, request: Request, namespace: str) -> HttpResponse:
        parameters = parameters_of(request, "dry_run", "on_conflict", "origin")
        is_dry_run = flag_of(parameters, "dry_run")
        on_conflict = OnConflict(choice_of(parameters, "on_conflict", tuple(OnConflict)))
        namespace, caller = self.asked.namespace, self.asked.caller
        content = lines_of(request, max(limit("batch_bytes"), 2 * reading.value_limit(namespace) + FRAME_BYTES))
        part = part_of(content, parameters.get("origin"))
        report = importing.take_in(namespace, part, on_conflict=on_conflict, is_dry_run=is_dry_run, caller=caller)
        if report.allowance:
            tally.count_write(namespace)
        return rendering.response_of(rendering.import_answer(report, is_dry_run=is_dry_run))


class BatchView(MemoryView):
    """`/namespaces/{namespace}/batch`: several reads and writes, all or nothing."""

    @schema.batch
    def post(self, request: Request, namespace: str) -> HttpResponse:
        parameters_of(request)
        namespace, caller = self.asked.namespace, self.asked.caller
        content = content_up_to(request, limit("batch_bytes"))
        operations = operations_of(content, namespace, caller)
        terms = terms_of(request, content, rendering.batch_answer)
        batch = batches.carry_out(namespace, operations, caller=caller, terms=terms)
        tally.count_write(namespace, batch.writes)
        return rendering.response_of(rendering.batch_answer(batch))


class LeaseView(MemoryView):
    """`/namespaces/{namespace}/leases/{name}`: one lease. Nothing is waited for here: see `api.lane.turns`."""

    @schema.get_lease
    def get(self, request: Request, namespace: str, name: str) -> HttpResponse:
        parameters_of(request)
        lease = leases.find(self.asked.namespace, lease_name_of(request), caller=self.asked.caller)
        return rendering.response_of(rendering.lease_answer(lease))

    @schema.acquire_lease
    def post(self, request: Request, namespace: str, name: str) -> HttpResponse:
        parameters = parameters_of(request, "wait")
        namespace, name, caller = self.asked.namespace, lease_name_of(request), self.asked.caller
        content = content_up_to(request, FRAME_BYTES)
        body = lease_body_of(content, "ttl", optional=("holder",))
        terms = terms_of(request, content, rendering.acquired_answer)
        with telling_outcome(self.more_headers, parameters, LeaseHeld):
            lease = leases.acquire(namespace, name, body.ttl, holder=body.holder, caller=caller, terms=terms)
        return rendering.response_of(rendering.acquired_answer(lease))

    @schema.renew_lease
    def put(self, request: Request, namespace: str, name: str) -> HttpResponse:
        parameters_of(request)
        namespace, name, caller = self.asked.namespace, lease_name_of(request), self.asked.caller
        content = content_up_to(request, FRAME_BYTES)
        body, terms = lease_body_of(content, "fencing", "ttl"), terms_of(request, content, rendering.lease_answer)
        lease = leases.renew(namespace, name, body.fencing, body.ttl, caller=caller, terms=terms)
        return rendering.response_of(rendering.lease_answer(lease))

    @schema.release_lease
    def delete(self, request: Request, namespace: str, name: str) -> HttpResponse:
        fencing = fencing_of(parameters_of(request, "fencing"))
        namespace, name, caller = self.asked.namespace, lease_name_of(request), self.asked.caller
        answer = partial(rendering.released_answer, namespace)
        terms = terms_of(request, b"", answer)
        released = leases.release(namespace, name, fencing, caller=caller, terms=terms)
        return rendering.response_of(answer(released))


class ClaimsView(MemoryView):
    """`/namespaces/{namespace}/claims`: the next entry that nobody works on. Nor is anything waited for here."""

    @schema.claim
    def post(self, request: Request, namespace: str) -> HttpResponse:
        parameters = parameters_of(request, "wait")
        namespace, caller = self.asked.namespace, self.asked.caller
        content = content_up_to(request, FRAME_BYTES)
        body = lease_body_of(content, "prefix", "ttl", optional=("holder",))
        terms = terms_of(request, content, rendering.claim_answer)
        with telling_outcome(self.more_headers, parameters, NothingToClaim):
            claim = leases.claim(namespace, body.prefix, body.ttl, holder=body.holder, caller=caller, terms=terms)
        return rendering.response_of(rendering.claim_answer(claim))


class HistoryView(MemoryView):
    """`/namespaces/{namespace}/history`: the versions of a key."""

    @schema.get_history
    def get(self, request: Request, namespace: str) -> HttpResponse:
        parameters = parameters_of(request, "key", "before", "limit", "include")
        namespace, key = self.asked.namespace, text_of(parameters, "key")
        found = history.history_of(
            namespace,
            key,
            before=revision_of(parameters, "before"),
            most=page_limit_of(parameters),
            with_values=wants_values(parameters),
            caller=self.asked.caller,
        )
        tally.count_read(namespace)
        return rendering.json_response(rendering.history_body(namespace, key, found))


class RestoreView(MemoryView):
    """`/namespaces/{namespace}/restore`: a key is set to what one of its versions was."""

    @schema.restore
    def post(self, request: Request, namespace: str) -> HttpResponse:
        parameters_of(request)
        namespace, condition, caller = self.asked.namespace, condition_of(request), self.asked.caller
        content = content_up_to(request, FRAME_BYTES)
        body, terms = restore_body_of(content), terms_of(request, content, rendering.written_answer)
        written = restoring.restore(
            namespace, body.key, body.version, ttl=body.ttl, condition=condition, caller=caller, terms=terms
        )
        return rendering.response_of(rendering.written_answer(written))


class RollbackView(MemoryView):
    """`/namespaces/{namespace}/rollback`: what one writer did is taken back, or told what that would be."""

    @schema.rollback
    def post(self, request: Request, namespace: str) -> HttpResponse:
        parameters_of(request)
        namespace, caller = self.asked.namespace, self.asked.caller
        content = content_up_to(request, FRAME_BYTES)
        body, terms = rollback_body_of(content), terms_of(request, content, rendering.rollback_answer)
        if body.is_dry_run:
            report = rollback.preview(namespace, body.writer, since=body.since, prefix=body.prefix, caller=caller)
        else:
            report = rollback_jobs.roll_back(
                namespace, body.writer, since=body.since, prefix=body.prefix, caller=caller, terms=terms
            )
        return rendering.response_of(rendering.rollback_answer(report))


class RollbackJobView(MemoryView):
    """`/namespaces/{namespace}/rollbacks/{job}`: a rollback that is more than one transaction."""

    @schema.get_rollback
    def get(self, request: Request, namespace: str, job: str) -> HttpResponse:
        parameters_of(request)
        namespace = self.asked.namespace
        report = rollback_jobs.find(namespace, job_of(request, namespace), caller=self.asked.caller)
        return rendering.json_response(rendering.rollback_body(report))

    @schema.cancel_rollback
    def delete(self, request: Request, namespace: str, job: str) -> HttpResponse:
        parameters_of(request)
        namespace = self.asked.namespace
        report = rollback_jobs.cancel(namespace, job_of(request, namespace), caller=self.asked.caller)
        return rendering.json_response(rendering.rollback_body(report))


class QuarantineView(MemoryView):
    """`/namespaces/{namespace}/quarantine`: writers whose values nobody reads."""

    @schema.get_quarantine
    def get(self, request: Request, namespace: str) -> HttpResponse:
        parameters_of(request)
        namespace = self.asked.namespace
        found = quarantining.quarantined(namespace, caller=self.asked.caller)
        return rendering.json_response(rendering.quarantine_body(namespace, found))

    @schema.quarantine
    def post(self, request: Request, namespace: str) -> HttpResponse:
        parameters_of(request)
        namespace, caller = self.asked.namespace, self.asked.caller
        body = quarantine_body_of(content_up_to(request, REASON_BYTES))
        placed = quarantining.quarantine(namespace, body.writer, body.reason, caller=caller)
        return rendering.response_of(rendering.quarantined_answer(namespace, placed))

    @schema.release_writer
    def delete(self, request: Request, namespace: str) -> HttpResponse:
        parameters = parameters_of(request, "writer", "verified")
        namespace = self.asked.namespace
        meant = Writer(text_of(parameters, "writer"), truth_of(parameters, "verified"))
        released = quarantining.release(namespace, meant, caller=self.asked.caller)
        return rendering.json_response(rendering.released_writer_body(namespace, released))


class ClaimNamespaceView(MemoryView):
    """`/namespaces/{namespace}/claim`: make it private. Its tokens do not come into it: there are none yet."""

    needs_admission = False

    @schema.claim_namespace
    def post(self, request: Request, namespace: str) -> HttpResponse:
        parameters_of(request)
        body = claim_namespace_body_of(content_up_to(request, FRAME_BYTES))
        try:
            shared = access.claim(self.asked.namespace, name=body.name, code=body.code, caller=self.asked.caller)
        except ClaimCodeRequired:
            count_guess(request)
            raise
        return rendering.response_of(rendering.shared_answer(shared))


class TokensView(MemoryView):
    """`/namespaces/{namespace}/tokens`: all that the caller's token may manage; share another one."""

    @schema.list_tokens
    def get(self, request: Request, namespace: str) -> HttpResponse:
        parameters_of(request)
        found = tokens.listed(self.asked.namespace, self.asked.caller)
        return rendering.response_of(rendering.tokens_answer(self.asked.namespace, found))

    @schema.share_token
    def post(self, request: Request, namespace: str) -> HttpResponse:
        parameters_of(request)
        body = token_body_of(content_up_to(request, TOKEN_BYTES))
        shared = tokens.share(
            self.asked.namespace,
            self.asked.caller,
            role=body.role,
            name=body.name,
            read=body.read,
            write=body.write,
            ttl=body.ttl,
        )
        return rendering.response_of(rendering.shared_answer(shared))


class TokenView(MemoryView):
    """`/namespaces/{namespace}/tokens/{id}`: one token by its id, or as `self` the one that is shown."""

    @schema.get_token
    def get(self, request: Request, namespace: str, token_id: str) -> HttpResponse:
        parameters_of(request)
        found = tokens.one(self.asked.namespace, token_id, self.asked.caller)
        return rendering.response_of(rendering.token_answer(self.asked.namespace, found))

    @schema.revoke_token
    def delete(self, request: Request, namespace: str, token_id: str) -> HttpResponse:
        parameters_of(request)
        revoked = tokens.revoke(self.asked.namespace, token_id, self.asked.caller)
        answer = rendering.revoked_answer(self.asked.namespace, revoked.id, revoked.count)
        return rendering.response_of(answer)


class RotationView(MemoryView):
    """`/namespaces/{namespace}/tokens/{id}/rotate`: a new token in the place of one."""

    @schema.rotate_token
    def post(self, request: Request, namespace: str, token_id: str) -> HttpResponse:
        parameters_of(request)
        overlap = overlap_of(content_up_to(request, FRAME_BYTES))
        shared = tokens.rotate(self.asked.namespace, token_id, self.asked.caller, overlap=overlap)
        return rendering.response_of(rendering.shared_answer(shared))


@safe_only
def healthz(request: HttpRequest) -> HttpResponse:
    """Liveness: this process answers. Asks nobody else."""
    return rendering.json_response('{"status": "ok"}')


@safe_only
def readyz(request: HttpRequest) -> HttpResponse:
    """Readiness: the database answers, and its tables are there; else 503 `database_unavailable`."""
    try:
        database.check()
    except DatabaseTrouble as trouble:
        return answer(trouble)
    return rendering.json_response('{"status": "ok"}')
