"""Bodies: read within their limit, checked, and every value in them kept as the text that was sent."""

import json
import math
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import IO, Any

from django.http import HttpRequest
from django.utils.http import parse_header_parameters

from api.refusals import RequestRefused
from namespaces import clock, writing
from namespaces.batches import Check, Get, Operation, Release
from namespaces.callers import Caller
from namespaces.conditions import ABSENT, ALWAYS, Condition, at_version
from namespaces.edits import Append, Edit, Increment, Merge, Patch, Pop
from namespaces.errors import BatchTooLarge, InvalidJSON, InvalidTTL, Refusal
from namespaces.jsontext import JSONText, array_parts, kind_of, members
from namespaces.limits import limit
from namespaces.moderation import REASON_LENGTH
from namespaces.names import Writer
from namespaces.reading import value_limit
from namespaces.units import Held

# What a body may have beside its value: member names, a ttl, white space.
FRAME_BYTES = 4_096
# The same with a reason of characters that are each escaped as two surrogates.
REASON_BYTES = FRAME_BYTES + 12 * REASON_LENGTH
# What is said of a token: prefixes of keys, of which each byte may be escaped by six, and a name.
TOKEN_BYTES = 131_072
_CHUNK = 65_536
# A length of more digits is beyond every limit, and perhaps beyond what int() reads.
_TELLING_DIGITS = 20


@dataclass(frozen=True, slots=True)
class SetBody:
    """`{"value": any JSON, "ttl": seconds?}`."""

    value: JSONText
    ttl: float | None


@dataclass(frozen=True, slots=True)
class ChangeBody:
    """`{"op": ..., its members, "ttl": seconds?}`, or a patch by itself under a media type of its own."""

    edit: Edit
    ttl: float | None


def content_of(request: HttpRequest, namespace: str) -> bytes:
    """The body of a write to one entry, or the refusal: 413 before more than the limit is read, 415, 400."""
    check_type(request.META.get("CONTENT_TYPE", ""))
    _check_encoding(request)
    declared = _declared_length(request)
    most = limit("value_bytes") + FRAME_BYTES
    if declared is None or declared > most:
        most = value_limit(namespace) + FRAME_BYTES
    return _read(request, most)


def lines_of(request: HttpRequest, most: int) -> bytes:
    """The same for a body of lines of JSON."""
    media_type = request.META.get("CONTENT_TYPE", "")
    if parse_header_parameters(media_type)[0].lower() not in ("application/x-ndjson", "application/jsonl"):
        raise RequestRefused("unsupported_media_type", f"A part is application/x-ndjson; this one says {media_type!r}.")
    _check_encoding(request)
    return _read(request, most)


def content_up_to(request: HttpRequest, most: int) -> bytes:
    """The same for a body of up to `most` bytes."""
    check_type(request.META.get("CONTENT_TYPE", ""))
    _check_encoding(request)
    return _read(request, most)


@lru_cache(maxsize=64)
def check_type(given: str) -> None:
    """Refuse a Content-Type that is not JSON in UTF-8."""
    media_type, parameters = parse_header_parameters(given) if given else ("", {})
    media_type = media_type.lower()
    is_json = media_type == "application/json" or (
        media_type.startswith("application/") and media_type.endswith("+json")
    )
    if not is_json or parameters.get("charset", "utf-8").lower() not in ("utf-8", "utf8"):
        raise RequestRefused("unsupported_media_type", f"A body is application/json in UTF-8; this one says {given!r}.")


def _check_encoding(request: HttpRequest) -> None:
    if request.META.get("HTTP_CONTENT_ENCODING", "identity").lower() != "identity":
        raise RequestRefused("unsupported_media_type", "A body is sent without Content-Encoding.")
    if request.META.get("HTTP_TRANSFER_ENCODING", "chunked").strip().lower() != "chunked":
        raise RequestRefused("unsupported_media_type", "A body is sent as it is, or in chunks; nothing else is undone.")


def _read(request: HttpRequest, most: int) -> bytes:
    declared = _declared_length(request)
    if declared is not None and declared > most:
        raise _too_large(most)
    try:
        body = _read_up_to(_stream_of(request), most + 1)
    except Exception as error:
        raise RequestRefused("invalid_body", "The body ended early, or is no valid chunked body.") from error
    if len(body) > most:
        raise _too_large(most)
    if declared is not None and len(body) < declared:
        raise RequestRefused("invalid_body", f"The body ended after {len(body):,} of {declared:,} bytes.")
    return body


def _declared_length(request: HttpRequest) -> int | None:
    """Content-Length, None for a chunked body. Without either there is no body (RFC 9112 section 6.3)."""
    if "chunked" in request.META.get("HTTP_TRANSFER_ENCODING", "").lower():
        return None
    declared = request.META.get("CONTENT_LENGTH") or "0"
    if not (declared.isascii() and declared.isdigit()):
        return 0
    return int(declared.lstrip("0")[:_TELLING_DIGITS] or "0")


def _stream_of(request: HttpRequest) -> Any:
    """Django reads a WSGI body by its Content-Length, so a chunked one would seem empty; the server knows its end."""
    environ = getattr(request, "environ", {})
    is_chunked = "chunked" in request.META.get("HTTP_TRANSFER_ENCODING", "").lower()
    return environ["wsgi.input"] if is_chunked and environ.get("wsgi.input_terminated") else request


def _read_up_to(stream: IO[bytes], most: int) -> bytes:
    parts, room = [], most
    while room and (part := stream.read(min(room, _CHUNK))):
        parts.append(part)
        room -= len(part)
    return b"".join(parts)


def _too_large(most: int) -> RequestRefused:
    return RequestRefused("body_too_large", f"A body here has at most {most:,} bytes.", limit=most)


def parsed(body: bytes) -> SetBody:
    """What a body says that was read whole; InvalidJSON, JSONTooDeep, InvalidTTL or 400 `invalid_body` if it cannot."""
    given = members_of(text_of(body), required=("value",), optional=("ttl",))
    return SetBody(JSONText.of_scanned(given["value"]), seconds_of(given.get("ttl", "null")))


def text_of(body: bytes) -> str:
    """A body as text; InvalidJSON if it is not UTF-8."""
    try:
        return body.decode()
    except UnicodeDecodeError as error:
        raise InvalidJSON(f"The body is not UTF-8 at byte {error.start}.") from None


def members_of(
    text: str, *, required: tuple[str, ...], optional: tuple[str, ...] = (), what: str = "body"
) -> dict[str, str]:
    """The members of an object by name, each as text; refused if one is missing, unknown, or stands twice."""
    return _checked_members(members(text), required, optional, what)


def _checked_members(
    found: Iterable[tuple[str, str]], required: tuple[str, ...], optional: tuple[str, ...], what: str
) -> dict[str, str]:
    given: dict[str, str] = {}
    for name, value in found:
        if name not in required + optional or name in given:
            fault = "stands twice" if name in given else f"is unknown; there are {_listed(required + optional)}"
            raise RequestRefused("invalid_body", f"The member {name[:80]!r} of the {what} {fault}.")
        given[name] = value
    for name in required:
        if name not in given:
            raise RequestRefused("invalid_body", f"The {what} has no member {name!r}.")
    return given


def _listed(names: tuple[str, ...]) -> str:
    *others, last = names
    return f"{', '.join(others)} and {last}" if others else last


def seconds_of(text: str) -> float | None:
    if text == "null":
        return None
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not math.isfinite(seconds):
        raise InvalidTTL(f"A ttl is a number of seconds, not {text[:40]}.", limit=limit("ttl_seconds"))
    return seconds


def change_body_of(content_type: str, body: bytes) -> ChangeBody:
    """What the body of a change says, by its media type."""
    media_type = parse_header_parameters(content_type)[0].lower()
    text = text_of(body)
    if media_type == "application/merge-patch+json":
        return ChangeBody(Merge(JSONText.parse(text)), None)
    if media_type == "application/json-patch+json":
        return ChangeBody(Patch.parse(JSONText.parse(text).text), None)
    kind = change_kind_of(text)
    given = members_of(text, required=("op", *EDITS[kind][0]), optional=("ttl", *EDITS[kind][1]))
    return ChangeBody(edit_of(kind, given), seconds_of(given.get("ttl", "null")))


# The members of each kind of change beside `op` and `ttl`: those that it must have, those that it may have.
EDITS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "append": (("value",), ("max_length",)),
    "pop": ((), ("from", "count")),
    "increment": ((), ("by", "initial")),
    "merge": (("patch",), ("initial",)),
    "patch": (("patch",), ("initial",)),
}


def change_kind_of(text: str) -> str:
    """The `op` of an object; refused unless there is one that names a kind of change."""
    return word_in(dict(members(text)).get("op"), "op", tuple(EDITS))


def edit_of(kind: str, given: dict[str, str]) -> Edit:
    """The change of a kind that the members of an object describe."""
    initial = JSONText.of_scanned(given["initial"]) if "initial" in given else None
    match kind:
        case "append":
            most = whole_number_in(given["max_length"], "max_length") if "max_length" in given else None
            return Append(JSONText.of_scanned(given["value"]), most)
        case "pop":
            end = word_in(given.get("from", '"last"'), "from", ("first", "last"))
            return Pop(whole_number_in(given.get("count", "1"), "count"), is_first=end == "first")
        case "increment":
            _check_number(given.get("initial", "0"), "initial")
            return Increment(_check_number(given.get("by", "1"), "by"), initial)
        case "merge":
            return Merge(JSONText.of_scanned(given["patch"]), initial)
        case _:
            return Patch.parse(JSONText.of_scanned(given["patch"]).text, initial)


def word_in(text: str | None, name: str, known: tuple[str, ...]) -> str:
    """One of the known words, out of its JSON text."""
    word = json.loads(text) if text is not None and kind_of(text) == "string" else None
    if word not in known:
        raise RequestRefused("invalid_body", f"{name} is one of {', '.join(known)}.")
    return str(word)


def whole_number_in(text: str, name: str, least: int = 1) -> int:
    """A whole number of up to 18 digits, out of its JSON text."""
    if not (text.isascii() and text.isdigit() and len(text) <= 18 and int(text) >= least):
        raise RequestRefused("invalid_body", f"{name} is a whole number, {least} or more.")
    return int(text)


def _check_number(text: str, name: str) -> str:
    if kind_of(text) != "number":
        raise RequestRefused("invalid_body", f"{name} is a number.")
    return text


def operations_of(body: bytes, namespace: str, caller: Caller) -> list[Operation]:
    """The operations of a batch; BatchTooLarge, or what is wrong with one of them, its number as `operation`."""
    given = members_of(text_of(body), required=("operations",))
    if kind_of(given["operations"]) != "array":
        raise RequestRefused("invalid_body", "operations is a list.")
    listed = [element.strip() for element in array_parts(given["operations"])]
    most = limit("batch_operations")
    if len(listed) > most:
        raise BatchTooLarge(f"A batch has at most {most:,} operations; this one has {len(listed):,}.", limit=most)
    now, operations = clock.now(), []
    for number, text in enumerate(listed):
        try:
            operations.append(_operation_of(text, namespace, caller, now))
        except Refusal as refusal:
            refusal.facts["operation"] = number
            raise
    return operations


OPERATIONS = {
    "set": (("key", "value"), ("ttl", "if_version", "if_absent")),
    "get": (("key",), ()),
    "delete": (("key",), ("if_version",)),
    "check": (("key", "version"), ()),
    "release": (("name", "fencing"), ()),
    **{op: (("key", *required), (*optional, "ttl", "if_version")) for op, (required, optional) in EDITS.items()},
}


def _operation_of(text: str, namespace: str, caller: Caller, now: datetime) -> Operation:
    found = list(members(text))
    op = word_in(dict(found).get("op"), "op", tuple(OPERATIONS))
    required, optional = OPERATIONS[op]
    given = _checked_members(found, ("op", *required), optional, "operation")
    if op == "release":
        return Release(Held(text_in(given["name"], "name"), whole_number_in(given["fencing"], "fencing", least=0)))
    key, ttl = text_in(given["key"], "key"), seconds_of(given.get("ttl", "null"))
    condition = _condition_in(given)
    match op:
        case "get":
            return Get(key)
        case "check":
            is_absent = given["version"] == "null"
            return Check(key, None if is_absent else whole_number_in(given["version"], "version", least=0))
        case "delete":
            return writing.delete_of(namespace, key, condition=condition, caller=caller, now=now)
        case "set":
            value = JSONText.of_scanned(given["value"])
            return writing.set_of(namespace, key, value, ttl=ttl, condition=condition, caller=caller, now=now)
        case _:
            edit = edit_of(op, given)
            return writing.change_of(namespace, key, edit, ttl=ttl, condition=condition, caller=caller, now=now)


def _condition_in(given: dict[str, str]) -> Condition:
    is_absent = truth_in(given.get("if_absent", "false"), "if_absent")
    is_absent = truth_in(given.get("if_absent", "false"), "if_absent")
    if "if_version" in given and is_absent:
        raise RequestRefused("invalid_body", "if_version and if_absent cannot both hold.")
    if "if_version" in given:
        return at_version(whole_number_in(given["if_version"], "if_version", least=0))
    return ABSENT if is_absent else ALWAYS


def truth_in(text: str, name: str) -> bool:
    """True or false, out of its JSON text."""
    if text not in ("true", "false"):
        raise RequestRefused("invalid_body", f"{name} is true or false.")
    return text == "true"


def text_in(text: str, name: str) -> str:
    """A string, out of its JSON text."""
    if kind_of(text) != "string":
        raise RequestRefused("invalid_body", f"{name} is a text.")
    return str(json.loads(text))


@dataclass(frozen=True, slots=True)
class RestoreBody:
    """`{"key": text, "version": n, "ttl": seconds?}`."""

    key: str
    version: int
    ttl: float | None


def restore_body_of(body: bytes) -> RestoreBody:
    """What the body of a restore says."""
    given = members_of(text_of(body), required=("key", "version"), optional=("ttl",))
    return RestoreBody(
        key=text_in(given["key"], "key"),
        version=whole_number_in(given["version"], "version", least=0),
        ttl=seconds_of(given.get("ttl", "null")),
    )


@dataclass(frozen=True, slots=True)
class ClaimNamespaceBody:
    """`{"name": text?, "claim_code": text?}`."""

    name: str
    code: str


def claim_namespace_body_of(body: bytes) -> ClaimNamespaceBody:
    """What a body says that claims a namespace."""
    given = members_of(text_of(body), required=(), optional=("name", "claim_code"))
    return ClaimNamespaceBody(
        name=text_in(given.get("name", '"admin"'), "name"), code=text_in(given.get("claim_code", '""'), "claim_code")
    )


@dataclass(frozen=True, slots=True)
class TokenBody:
    """`{"role": ..., "name": text, "read": prefixes, "write": prefixes, "ttl": seconds}`, all of them optional."""

    role: str | None
    name: str | None
    read: list[str] | None
    write: list[str] | None
    ttl: float | None


def token_body_of(body: bytes) -> TokenBody:
    """What a body says that shares a token."""
    given = members_of(text_of(body), required=(), optional=("role", "name", "read", "write", "ttl"))
    return TokenBody(
        role=word_in(given["role"], "role", ("admin", "write", "read")) if "role" in given else None,
        name=text_in(given["name"], "name") if "name" in given else None,
        read=_texts_in(given["read"], "read") if "read" in given else None,
        write=_texts_in(given["write"], "write") if "write" in given else None,
        ttl=seconds_of(given.get("ttl", "null")),
    )


@dataclass(frozen=True, slots=True)
class RollbackBody:
    """`{"writer": text or null, "verified": truth, "since": revision or time?, "prefix"?, "dry_run"?}`."""

    writer: Writer
    since: int | datetime
    prefix: str
    is_dry_run: bool


def rollback_body_of(body: bytes) -> RollbackBody:
    """What the body of a rollback says."""
    given = members_of(text_of(body), required=("writer", "verified"), optional=("since", "prefix", "dry_run"))
    return RollbackBody(
        writer=_writer_in(given),
        since=_since_in(given.get("since", "null")),
        prefix=text_in(given.get("prefix", '""'), "prefix"),
        is_dry_run=truth_in(given.get("dry_run", "false"), "dry_run"),
    )


@dataclass(frozen=True, slots=True)
class QuarantineBody:
    """`{"writer": text or null, "verified": truth, "reason": text?}`."""

    writer: Writer
    reason: str


def quarantine_body_of(body: bytes) -> QuarantineBody:
    """What the body of a quarantine says."""
    given = members_of(text_of(body), required=("writer", "verified"), optional=("reason",))
    return QuarantineBody(_writer_in(given), _reason_in(given.get("reason", '""')))


def _writer_in(given: dict[str, str]) -> Writer:
    name = "" if given["writer"] == "null" else text_in(given["writer"], "writer")
    return Writer(name, truth_in(given["verified"], "verified"))


def _since_in(text: str) -> int | datetime:
    if text == "null":
        return 0
    if kind_of(text) != "string":
        return whole_number_in(text, "since", least=0)
    try:
        moment = datetime.fromisoformat(text_in(text, "since"))
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise RequestRefused("invalid_body", "since is a revision, or a time such as 2026-01-31T09:00:00Z.")
    return moment


def _reason_in(text: str) -> str:
    return check_reason(text_in(text, "reason"))


def check_reason(reason: str) -> str:
    """Return `reason` if it can be why a writer is put in quarantine; refused else."""
    if len(reason) > REASON_LENGTH or any(unicodedata.category(character) in ("Cc", "Cs") for character in reason):
        message = f"reason is a text of up to {REASON_LENGTH:,} characters, none of them a control character."
        raise RequestRefused("invalid_body", message)
    return reason


def overlap_of(body: bytes) -> float:
    """What a body says that rotates a token: for how many seconds the old one stays good."""
    given = members_of(text_of(body), required=(), optional=("overlap",))
    return seconds_of(given.get("overlap", "null")) or 0


def _texts_in(text: str, name: str) -> list[str]:
    """One text, or a list of them."""
    found = json.loads(text) if kind_of(text) in ("string", "array") else None
    texts = [found] if isinstance(found, str) else found
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise RequestRefused("invalid_body", f"{name} is a text, or a list of texts.")
    return texts


@dataclass(frozen=True, slots=True)
class LeaseBody:
    """`{"ttl": seconds, "holder": text?}` to acquire, with `prefix` to claim; `{"fencing": n, "ttl": ...}` to renew."""

    ttl: float
    holder: str | None = None
    prefix: str = ""
    fencing: int = 0


def lease_body_of(body: bytes, *required: str, optional: tuple[str, ...] = ()) -> LeaseBody:
    """What a body about a lease says, of which these members are required."""
    given = members_of(text_of(body), required=required, optional=optional)
    return LeaseBody(
        ttl=seconds_of(given["ttl"]) or 0,
        holder=None if given.get("holder", "null") == "null" else text_in(given["holder"], "holder"),
        prefix=text_in(given.get("prefix", '""'), "prefix"),
        fencing=whole_number_in(given.get("fencing", "0"), "fencing", least=0),
    )
