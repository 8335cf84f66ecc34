"""What the OpenAPI description says of each operation: shapes, answers, examples. Nothing is checked here."""

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import (
    OpenApiExample,
    OpenApiParameter,
    OpenApiResponse,
    PolymorphicProxySerializer,
    extend_schema,
    extend_schema_field,
)
from rest_framework import serializers

from api.bodies import EDITS, OPERATIONS
from api.problems import PROBLEMS
from namespaces.importing import OnConflict
from namespaces.limits import LIMITS
from namespaces.moderation import REASON_LENGTH
from namespaces.rollback import LEFT

_DEFAULTS = {limit.name: limit.default for limit in LIMITS}
NAME_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9_\-.:@+]{0,63}$"


@extend_schema_field({})
class AnyJSON(serializers.JSONField):
    """Any JSON value, null included."""


class Writer(serializers.Serializer[Any]):
    name = serializers.CharField()
    verified = serializers.BooleanField(help_text="false: the name is what the writer called itself")


class SetBody(serializers.Serializer[Any]):
    value = AnyJSON(help_text="Any JSON value; it is kept as the text that is sent.")
    ttl = serializers.FloatField(
        required=False,
        allow_null=True,
        help_text="Seconds until the entry is gone.",
        max_value=_DEFAULTS["ttl_seconds"],
    )


class _Times(serializers.Serializer[Any]):
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField(allow_null=True)


class Written(_Times):
    namespace = serializers.CharField()
    key = serializers.CharField()
    version = serializers.IntegerField()
    stored = serializers.BooleanField()
    bytes = serializers.IntegerField()


class ListedEntry(_Times):
    key = serializers.CharField()
    value = AnyJSON()
    version = serializers.IntegerField()
    writer = Writer(allow_null=True)


class Entry(ListedEntry):
    namespace = serializers.CharField()


class Deleted(serializers.Serializer[Any]):
    namespace = serializers.CharField()
    key = serializers.CharField()
    deleted = serializers.BooleanField()
    version = serializers.IntegerField()


class Changed(_Times):
    namespace = serializers.CharField()
    key = serializers.CharField()
    version = serializers.IntegerField()
    stored = serializers.BooleanField(help_text="false: there was nothing to pop, and nothing was written")
    bytes = serializers.IntegerField()
    value = AnyJSON(required=False, help_text="the new value; left out with Prefer: return=minimal")
    length = serializers.IntegerField(required=False, help_text="of a list")
    popped = serializers.ListField(child=AnyJSON(), required=False)


class ClaimNamespaceBody(serializers.Serializer[Any]):
    name = serializers.CharField(required=False, help_text="The writer that the admin token stands for.")
    claim_code = serializers.CharField(
        required=False, help_text="Of the answer that made the namespace; needed where there is one already."
    )


class TokenBody(serializers.Serializer[Any]):
    role = serializers.ChoiceField(choices=("admin", "write", "read"), required=False)
    name = serializers.CharField(required=False, help_text="The writer that it stands for.")
    read = serializers.ListField(child=serializers.CharField(allow_blank=True), required=False)
    write = serializers.ListField(child=serializers.CharField(allow_blank=True), required=False)
    ttl = serializers.FloatField(required=False, allow_null=True, max_value=_DEFAULTS["ttl_seconds"])


class RotationBody(serializers.Serializer[Any]):
    overlap = serializers.FloatField(
        required=False, min_value=0, help_text="Seconds for which the old token stays good."
    )


class KnownToken(serializers.Serializer[Any]):
    id = serializers.CharField()
    role = serializers.ChoiceField(choices=("admin", "write", "read"))
    name = serializers.CharField(allow_null=True)
    read = serializers.ListField(child=serializers.CharField(allow_blank=True))
    write = serializers.ListField(child=serializers.CharField(allow_blank=True))
    shared_by = serializers.CharField(allow_null=True, help_text="The id of the token that shared it.")
    created_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField(allow_null=True)
    last_used_at = serializers.DateTimeField(allow_null=True, help_text="Up to a few seconds behind.")


class OneToken(KnownToken):
    namespace = serializers.CharField()


class SharedToken(OneToken):
    access = serializers.ChoiceField(choices=("private",))
    token = serializers.CharField(help_text="bw_ and 36 letters and digits; told this once.")


class TokenList(serializers.Serializer[Any]):
    namespace = serializers.CharField()
    count = serializers.IntegerField()
    tokens = KnownToken(many=True)


class RevokedToken(serializers.Serializer[Any]):
    namespace = serializers.CharField()
    id = serializers.CharField()
    revoked = serializers.BooleanField()
    count = serializers.IntegerField(help_text="The token and what was shared with it.")


class AcquireBody(serializers.Serializer[Any]):
    ttl = serializers.FloatField(min_value=1, max_value=_DEFAULTS["lease_seconds"])
    holder = serializers.CharField(required=False, allow_null=True, help_text="left out: X-BotWire-Agent")


class ClaimBody(AcquireBody):
    prefix = serializers.CharField(allow_blank=True)


class RenewBody(serializers.Serializer[Any]):
    fencing = serializers.IntegerField(min_value=0)
    ttl = serializers.FloatField(min_value=1, max_value=_DEFAULTS["lease_seconds"])


class Lease(serializers.Serializer[Any]):
    namespace = serializers.CharField()
    name = serializers.CharField()
    holder = serializers.CharField(allow_null=True)
    fencing = serializers.IntegerField(help_text="larger than that of every lease before")
    acquired_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField()


class Released(serializers.Serializer[Any]):
    namespace = serializers.CharField()
    name = serializers.CharField()
    fencing = serializers.IntegerField()
    released = serializers.BooleanField()


class Claim(serializers.Serializer[Any]):
    entry = ListedEntry()
    lease = Lease()


class Batch(serializers.Serializer[Any]):
    namespace = serializers.CharField()
    revision = serializers.IntegerField()
    results = serializers.ListField(
        child=serializers.DictField(child=AnyJSON()), help_text="one for each operation, in their order"
    )


class Page(serializers.Serializer[Any]):
    namespace = serializers.CharField()
    count = serializers.IntegerField()
    keys = serializers.ListField(child=serializers.CharField())
    next_cursor = serializers.CharField(allow_null=True)
    entries = ListedEntry(many=True, required=False)


class Cleared(serializers.Serializer[Any]):
    namespace = serializers.CharField()
    prefix = serializers.CharField()
    deleted = serializers.BooleanField()
    count = serializers.IntegerField()


class Limits(serializers.Serializer[Any]):
    writes_per_day = serializers.IntegerField()
    bytes = serializers.IntegerField()
    value_bytes = serializers.IntegerField()
    key_bytes = serializers.IntegerField()
    json_depth = serializers.IntegerField()
    keys_per_page = serializers.IntegerField()
    ttl_seconds = serializers.IntegerField()


class Usage(serializers.Serializer[Any]):
    day = serializers.DateField()
    writes = serializers.IntegerField()
    bytes = serializers.IntegerField()
    entries = serializers.IntegerField()
    reads = serializers.IntegerField(help_text="approximate, and never limited")
    resets_at = serializers.DateTimeField()


class Namespace(serializers.Serializer[Any]):
    namespace = serializers.CharField()
    access = serializers.CharField()
    status = serializers.ChoiceField(choices=["active", "read_only", "suspended"])
    reason = serializers.CharField(allow_null=True)
    until = serializers.DateTimeField(allow_null=True)
    revision = serializers.IntegerField()
    created_at = serializers.DateTimeField()
    last_write_at = serializers.DateTimeField(allow_null=True)
    limits = Limits()
    usage = Usage()


class LoggedChange(serializers.Serializer[Any]):
    revision = serializers.IntegerField()
    kind = serializers.CharField(help_text="set, delete, expire; others may come")
    key = serializers.CharField()
    value = AnyJSON(required=False, help_text="What was set; not there where nothing was, or it may not be read.")
    quarantined = serializers.BooleanField(required=False, help_text="true: a value was set, and may not be read")
    bytes = serializers.IntegerField()
    writer = Writer(allow_null=True)
    at = serializers.DateTimeField()


class ChangePage(serializers.Serializer[Any]):
    namespace = serializers.CharField()
    revision = serializers.IntegerField(help_text="the namespace's last")
    changes = LoggedChange(many=True)
    next = serializers.IntegerField(help_text="what to give as since for the next page")


class Import(serializers.Serializer[Any]):
    namespace = serializers.CharField()
    revision = serializers.IntegerField(help_text="the namespace's, after it")
    dry_run = serializers.BooleanField()
    exact = serializers.BooleanField(help_text="true: what is new comes back with its version, times and writer")
    new = serializers.IntegerField(help_text="entries whose keys are not there")
    same = serializers.IntegerField(help_text="entries that are there already, and are left alone")
    different = serializers.IntegerField(help_text="entries whose keys are there with something else")
    expired = serializers.IntegerField(help_text="entries that have expired since, and are left out")
    too_large = serializers.IntegerField(help_text="entries with values over the limit, in a dry run")
    changes = serializers.IntegerField(help_text="changes that come back into the log")
    writes_needed = serializers.IntegerField()
    writes_left = serializers.IntegerField(help_text="of the day, before it")
    bytes_needed = serializers.IntegerField()
    bytes_left = serializers.IntegerField(help_text="before it")


class Version(serializers.Serializer[Any]):
    version = serializers.IntegerField()
    kind = serializers.CharField(help_text="set, delete, expire; others may come")
    bytes = serializers.IntegerField()
    writer = Writer(allow_null=True)
    at = serializers.DateTimeField()
    value = AnyJSON(required=False, help_text="What was set, with include=values, and as far as it may be read.")
    quarantined = serializers.BooleanField(required=False, help_text="true: a value was set, and may not be read")


class History(serializers.Serializer[Any]):
    namespace = serializers.CharField()
    key = serializers.CharField()
    versions = Version(many=True, help_text="newest first")
    next_before = serializers.IntegerField(allow_null=True, help_text="what to give as before for the next page")


class Past(Version):
    namespace = serializers.CharField()
    key = serializers.CharField()


class Move(serializers.Serializer[Any]):
    key = serializers.CharField()
    to = serializers.IntegerField(allow_null=True, help_text="the version that it goes back to; null: it is deleted")

    def get_fields(self) -> dict[str, Any]:
        return {**super().get_fields(), "from": serializers.IntegerField(allow_null=True, help_text="the version now")}


class Left(serializers.Serializer[Any]):
    key = serializers.CharField()
    why = serializers.ChoiceField(choices=[fate.value for fate in LEFT])


class Rollback(serializers.Serializer[Any]):
    namespace = serializers.CharField()
    writer = Writer(allow_null=True)
    since = serializers.IntegerField()
    until = serializers.IntegerField()
    prefix = serializers.CharField(allow_blank=True)
    oldest_revision = serializers.IntegerField(help_text="the log's first; what was before is out of reach")
    dry_run = serializers.BooleanField()
    job = serializers.CharField(allow_null=True, help_text="of more keys than one transaction takes")
    state = serializers.ChoiceField(choices=["running", "cancelled", "done"])
    reached = serializers.IntegerField(help_text="the revision up to which the log has been looked through")
    complete = serializers.BooleanField(help_text="whether all keys have been looked at")
    keys = serializers.IntegerField(help_text="how many were looked at; of these:")
    restored = serializers.IntegerField()
    deleted = serializers.IntegerField()
    unchanged = serializers.IntegerField()
    kept = serializers.IntegerField(help_text="somebody else wrote later")
    unreachable = serializers.IntegerField(help_text="the log does not tell what was there before")
    refused = serializers.IntegerField(help_text="what was there before does not fit any more")
    changes = Move(many=True, help_text="the first 100")
    left = Left(many=True, help_text="the first 100")


class RestoreBody(serializers.Serializer[Any]):
    key = serializers.CharField(min_length=1, max_length=_DEFAULTS["key_bytes"])
    version = serializers.IntegerField(min_value=0)
    ttl = serializers.FloatField(required=False, allow_null=True, max_value=_DEFAULTS["ttl_seconds"])


class RollbackBody(serializers.Serializer[Any]):
    writer = serializers.CharField(allow_null=True, allow_blank=True, help_text="null: those who gave no name")
    verified = serializers.BooleanField()
    since = AnyJSON(required=False, help_text="A revision, or a time (RFC 3339): only what was done after it.")
    prefix = serializers.CharField(required=False, allow_blank=True)
    dry_run = serializers.BooleanField(required=False)


class QuarantineBody(serializers.Serializer[Any]):
    writer = serializers.CharField(allow_null=True, allow_blank=True, help_text="null: those who gave no name")
    verified = serializers.BooleanField()
    reason = serializers.CharField(required=False, allow_blank=True, max_length=REASON_LENGTH)


class Quarantined(serializers.Serializer[Any]):
    writer = Writer(allow_null=True)
    reason = serializers.CharField(allow_blank=True)
    at = serializers.DateTimeField()
    by = Writer(allow_null=True)


class Placed(Quarantined):
    namespace = serializers.CharField()


class Quarantine(serializers.Serializer[Any]):
    namespace = serializers.CharField()
    quarantined = Quarantined(many=True)


class ReleasedWriter(serializers.Serializer[Any]):
    namespace = serializers.CharField()
    writer = Writer(allow_null=True)
    released = serializers.BooleanField()


class Problem(serializers.Serializer[Any]):
    """RFC 9457. Each code has members of its own besides these."""

    type = serializers.CharField()
    title = serializers.CharField()
    status = serializers.IntegerField()
    code = serializers.ChoiceField(choices=list(PROBLEMS))
    detail = serializers.CharField()
    next_step = serializers.CharField()


_NAMESPACE = OpenApiParameter("namespace", {"type": "string", "pattern": NAME_PATTERN}, OpenApiParameter.PATH)
_KEY = OpenApiParameter(
    "key",
    {"type": "string", "minLength": 1, "maxLength": _DEFAULTS["key_bytes"]},
    OpenApiParameter.PATH,
    description="1 to 512 bytes of UTF-8, percent-encoded; a slash may stand as it is.",
)
_LEASE_NAME = OpenApiParameter(
    "name",
    {"type": "string", "minLength": 1, "maxLength": _DEFAULTS["key_bytes"]},
    OpenApiParameter.PATH,
    description="What may be a key may be the name of a lease.",
)
_FENCING = OpenApiParameter("fencing", {"type": "integer", "minimum": 0}, required=True)
_AGENT = OpenApiParameter("X-BotWire-Agent", str, OpenApiParameter.HEADER, description="The writer's name.")
_IF_MATCH = OpenApiParameter(
    "If-Match", str, OpenApiParameter.HEADER, description='* or versions in double quotes, such as "17"'
)
_IF_NONE_MATCH = OpenApiParameter("If-None-Match", str, OpenApiParameter.HEADER)
_IDEMPOTENCY_KEY = OpenApiParameter(
    "Idempotency-Key",
    {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
    OpenApiParameter.HEADER,
    description="The same key with the same request is carried out once, and answered alike.",
)
_LEASE = OpenApiParameter(
    "X-BotWire-Lease",
    str,
    OpenApiParameter.HEADER,
    description="<percent-encoded name>=<fencing number>: write only while that lease is held.",
)
_PREFER = OpenApiParameter("Prefer", str, OpenApiParameter.HEADER, description="return=minimal: without the value.")
_WAIT = OpenApiParameter(
    "wait",
    {"type": "integer", "minimum": 0, "maximum": _DEFAULTS["wait_seconds"]},
    description="Seconds that the answer may be held back until what is asked for has come.",
)
_EQUALS = OpenApiParameter("equals", str, description="With wait: until the value equals this JSON text.")
_VERSION = OpenApiParameter(
    "version", {"type": "integer", "minimum": 0}, description="What this version set, as the log has it."
)
_WRITER = OpenApiParameter("writer", str, description="Only what this writer did; empty: who gave no name.")
_VERIFIED = OpenApiParameter("verified", {"type": "string", "enum": ["true", "false"]})
_PREFIX = OpenApiParameter("prefix", str, description="Only keys that begin so.")


_MEMBERS: dict[str, Any] = {
    "key": {"type": "string", "minLength": 1, "maxLength": _DEFAULTS["key_bytes"]},
    "ttl": {"type": ["number", "null"], "exclusiveMinimum": 0, "maximum": _DEFAULTS["ttl_seconds"]},
    "version": {"type": ["integer", "null"], "minimum": 0},
    "if_version": {"type": "integer", "minimum": 0},
    "if_absent": {"type": "boolean"},
    "value": {},
    "max_length": {"type": "integer", "minimum": 1},
    "from": {"enum": ["first", "last"]},
    "count": {"type": "integer", "minimum": 1},
    "by": {"type": "number"},
    "patch": {},
    "initial": {},
    "name": {"type": "string", "minLength": 1, "maxLength": _DEFAULTS["key_bytes"]},
    "fencing": {"type": "integer", "minimum": 0},
}


def _object(op: str, required: tuple[str, ...], optional: tuple[str, ...]) -> dict[str, Any]:
    """The object that asks for one kind of change, or of operation in a batch."""
    properties = {"op": {"const": op}, **{name: _MEMBERS[name] for name in required + optional}}
    return {
        "type": "object",
        "properties": properties,
        "required": ["op", *required],
        "additionalProperties": False,
    }


_REFUSED_ANYWHERE = (
    "token_in_url",
    "invalid_token",
    "token_not_allowed",
    "guess_limit",
    "internal_error",
    "database_unavailable",
    "outcome_unknown",
)


def _problems(*codes: str) -> dict[Any, Any]:
    """The refusals of an operation by status, each naming its codes."""
    by_status: dict[int, list[str]] = {}
    for code in (*codes, *_REFUSED_ANYWHERE):
        by_status.setdefault(PROBLEMS[code].status, []).append(code)
    return {
        (status, "application/problem+json"): OpenApiResponse(
            Problem, description=", ".join(f"`{c}`" for c in codes_of)
        )
        for status, codes_of in by_status.items()
    }


_REFUSED_TERMS = (
    "writer_mismatch",
    "namespace_not_found",
    "invalid_idempotency_key",
    "idempotency_key_reused",
    "invalid_condition",
    "lease_lost",
)
_REFUSED_WRITE = ("namespace_read_only", "namespace_suspended", "daily_write_limit", "disk_full")

_REFUSED_SET = (
    "invalid_json",
    "invalid_body",
    "json_too_deep",
    "invalid_ttl",
    "invalid_namespace",
    "invalid_key",
    "invalid_parameter",
    "invalid_agent",
    *_REFUSED_TERMS,
    "precondition_failed",
    "value_too_large",
    "body_too_large",
    "unsupported_media_type",
    "namespace_creation_limit",
    "storage_limit",
    *_REFUSED_WRITE,
)
_REFUSED_CHANGE = (
    *_REFUSED_SET,
    "invalid_patch",
    "target_missing",
    "wrong_type",
    "patch_failed",
    "number_out_of_range",
    "entry_quarantined",
)

get_entry = extend_schema(
    operation_id="get_entry",
    summary="Get an entry",
    tags=["memory"],
    parameters=[_NAMESPACE, _KEY, _IF_NONE_MATCH, _WAIT, _EQUALS, _VERSION],
    responses={
        200: PolymorphicProxySerializer("EntryOrPast", [Entry, Past], resource_type_field_name=None),
        304: OpenApiResponse(description="Not modified"),
        **_problems(
            "invalid_namespace",
            "invalid_key",
            "invalid_parameter",
            "namespace_suspended",
            "key_not_found",
            "version_not_found",
            "too_many_waiters",
        ),
    },
)
set_entry = extend_schema(
    operation_id="set_entry",
    summary="Set an entry",
    tags=["memory"],
    parameters=[_NAMESPACE, _KEY, _AGENT, _IF_MATCH, _IF_NONE_MATCH, _IDEMPOTENCY_KEY, _LEASE],
    request=SetBody,
    examples=[
        OpenApiExample("signal", {"value": {"action": "buy", "confidence": 0.9}, "ttl": 3600}, request_only=True)
    ],
    responses={
        200: OpenApiResponse(Written, description="Replaced"),
        201: OpenApiResponse(Written, description="New"),
        **_problems(*_REFUSED_SET),
    },
)
change_entry = extend_schema(
    operation_id="change_entry",
    summary="Change an entry",
    description="Append, pop, increment, merge or patch: one write, made of what stands there.",
    tags=["memory"],
    parameters=[_NAMESPACE, _KEY, _AGENT, _IF_MATCH, _IF_NONE_MATCH, _IDEMPOTENCY_KEY, _LEASE, _PREFER],
    request={
        "application/json": {
            "oneOf": [_object(op, required, ("ttl", *optional)) for op, (required, optional) in EDITS.items()]
        },
        "application/merge-patch+json": {},
        "application/json-patch+json": {"type": "array", "items": {"type": "object"}},
    },
    examples=[
        OpenApiExample("append", {"op": "append", "value": "checked"}, request_only=True, media_type="application/json")
    ],
    responses={
        200: OpenApiResponse(Changed, description="Changed"),
        201: OpenApiResponse(Changed, description="New"),
        **_problems(*_REFUSED_CHANGE),
    },
)
delete_entry = extend_schema(
    operation_id="delete_entry",
    summary="Delete an entry",
    tags=["memory"],
    parameters=[_NAMESPACE, _KEY, _AGENT, _IF_MATCH, _IDEMPOTENCY_KEY, _LEASE],
    responses={
        200: Deleted,
        **_problems(
            "invalid_namespace",
            "invalid_key",
            "invalid_parameter",
            "invalid_agent",
            *_REFUSED_TERMS,
            "key_not_found",
            "precondition_failed",
            *_REFUSED_WRITE,
        ),
    },
)
list_entries = extend_schema(
    operation_id="list_entries",
    summary="List keys, or entries",
    tags=["memory"],
    parameters=[
        _NAMESPACE,
        _PREFIX,
        OpenApiParameter("cursor", str, description="next_cursor of the page before."),
        OpenApiParameter("limit", {"type": "integer", "minimum": 1, "maximum": _DEFAULTS["keys_per_page"]}),
        OpenApiParameter("include", OpenApiTypes.STR, enum=["values"], description="Whole entries too."),
    ],
    responses={
        200: Page,
        **_problems(
            "invalid_namespace", "invalid_prefix", "invalid_cursor", "invalid_parameter", "namespace_suspended"
        ),
    },
)
clear_entries = extend_schema(
    operation_id="clear_entries",
    summary="Clear a namespace, or what is under a prefix",
    description="Counts as one write.",
    tags=["memory"],
    parameters=[_NAMESPACE, _PREFIX, _AGENT],
    responses={
        200: Cleared,
        **_problems(
            "invalid_namespace",
            "invalid_prefix",
            "invalid_parameter",
            "invalid_agent",
            "namespace_not_found",
            *_REFUSED_WRITE,
        ),
    },
)
get_namespace = extend_schema(
    operation_id="get_namespace",
    summary="Status, limits and usage",
    tags=["namespaces"],
    parameters=[_NAMESPACE],
    responses={200: Namespace, **_problems("invalid_namespace", "invalid_parameter", "namespace_not_found")},
)
get_changes = extend_schema(
    operation_id="get_changes",
    summary="What happened after a revision",
    tags=["namespaces"],
    parameters=[
        _NAMESPACE,
        OpenApiParameter(
            "since", {"type": "integer", "minimum": 0}, description="A revision; left out: from now, so no changes yet."
        ),
        _PREFIX,
        OpenApiParameter("limit", {"type": "integer", "minimum": 1, "maximum": _DEFAULTS["keys_per_page"]}),
        _WAIT,
        _WRITER,
        _VERIFIED,
        OpenApiParameter("Last-Event-ID", str, OpenApiParameter.HEADER, description="Of a stream: goes before since."),
    ],
    responses={
        (200, "application/json"): ChangePage,
        (200, "text/event-stream"): OpenApiResponse(OpenApiTypes.STR, description="With Accept: text/event-stream."),
        **_problems(
            "invalid_namespace",
            "invalid_prefix",
            "invalid_parameter",
            "invalid_revision",
            "namespace_suspended",
            "revision_trimmed",
            "too_many_waiters",
        ),
    },
)
batch = extend_schema(
    operation_id="batch",
    summary="Several reads and writes, all or nothing",
    description="In order; each write counts. A refusal names the `operation` by its number.",
    tags=["namespaces"],
    parameters=[_NAMESPACE, _AGENT, _IDEMPOTENCY_KEY, _LEASE],
    request={
        "application/json": {
            "type": "object",
            "properties": {
                "operations": {
                    "type": "array",
                    "maxItems": _DEFAULTS["batch_operations"],
                    "items": {"oneOf": [_object(op, *members) for op, members in OPERATIONS.items()]},
                }
            },
            "required": ["operations"],
            "additionalProperties": False,
        }
    },
    examples=[
        OpenApiExample(
            "move",
            {"operations": [{"op": "check", "key": "a", "version": 1}, {"op": "append", "key": "b", "value": 1}]},
            request_only=True,
        )
    ],
    responses={200: Batch, **_problems("batch_too_large", *_REFUSED_CHANGE)},
)
export = extend_schema(
    operation_id="export",
    summary="Export everything, or what is under a prefix",
    description="Lines of JSON, as it all was at one revision: a header, the entries, the changes, a trailer.",
    tags=["namespaces"],
    parameters=[
        _NAMESPACE,
        _PREFIX,
        OpenApiParameter("history", bool, description="With the change log, newest first."),
    ],
    responses={
        (200, "application/x-ndjson"): OpenApiResponse(OpenApiTypes.STR, description="The export."),
        **_problems(
            "invalid_namespace",
            "invalid_prefix",
            "invalid_parameter",
            "namespace_suspended",
            "namespace_not_found",
            "too_many_exports",
        ),
    },
)
import_ = extend_schema(
    operation_id="import",
    summary="Import a part of an export",
    description="All or nothing, and safe to repeat. Each entry and change that is put in counts as a write.",
    tags=["namespaces"],
    parameters=[
        _NAMESPACE,
        _AGENT,
        OpenApiParameter("dry_run", bool, description="Tell what it would do, and write nothing."),
        OpenApiParameter(
            "on_conflict",
            OpenApiTypes.STR,
            enum=list(OnConflict),
            description="Where a key is there with another value.",
        ),
        OpenApiParameter(
            "origin",
            {"type": "string", "pattern": "^[0-9a-f]{64}$"},
            description="The sha256 in the trailer of the export; left out where the part has the trailer.",
        ),
    ],
    request={"application/x-ndjson": {"type": "string"}},
    responses={
        200: Import,
        **_problems(
            "invalid_export",
            "invalid_json",
            "json_too_deep",
            "invalid_ttl",
            "invalid_namespace",
            "invalid_key",
            "invalid_parameter",
            "invalid_agent",
            "invalid_body",
            "import_conflict",
            "value_too_large",
            "body_too_large",
            "batch_too_large",
            "unsupported_media_type",
            "namespace_creation_limit",
            "storage_limit",
            *_REFUSED_WRITE,
        ),
    },
)
_REFUSED_LEASE = (
    "invalid_namespace",
    "invalid_key",
    "invalid_parameter",
    "invalid_agent",
    "namespace_read_only",
    "namespace_suspended",
    "disk_full",
    *_REFUSED_TERMS,
)
_REFUSED_LEASE_BODY = ("invalid_json", "invalid_body", "invalid_ttl", "body_too_large", "unsupported_media_type")
_REFUSED_ACQUIRE = (
    *_REFUSED_LEASE,
    *_REFUSED_LEASE_BODY,
    "lease_limit",
    "namespace_creation_limit",
    "too_many_waiters",
)
get_lease = extend_schema(
    operation_id="get_lease",
    summary="Who holds a lease",
    tags=["coordination"],
    parameters=[_NAMESPACE, _LEASE_NAME],
    responses={
        200: Lease,
        **_problems("invalid_namespace", "invalid_key", "invalid_parameter", "namespace_suspended", "lease_not_found"),
    },
)
acquire_lease = extend_schema(
    operation_id="acquire_lease",
    summary="Acquire a lease",
    tags=["coordination"],
    parameters=[_NAMESPACE, _LEASE_NAME, _WAIT, _AGENT, _IDEMPOTENCY_KEY, _LEASE],
    request=AcquireBody,
    responses={201: Lease, **_problems(*_REFUSED_ACQUIRE, "lease_held")},
)
renew_lease = extend_schema(
    operation_id="renew_lease",
    summary="Hold a lease for longer",
    tags=["coordination"],
    parameters=[_NAMESPACE, _LEASE_NAME, _IDEMPOTENCY_KEY, _LEASE],
    request=RenewBody,
    responses={200: Lease, **_problems(*_REFUSED_LEASE, *_REFUSED_LEASE_BODY)},
)
release_lease = extend_schema(
    operation_id="release_lease",
    summary="Give a lease back",
    tags=["coordination"],
    parameters=[_NAMESPACE, _LEASE_NAME, _FENCING, _IDEMPOTENCY_KEY, _LEASE],
    responses={200: Released, **_problems(*_REFUSED_LEASE)},
)
claim = extend_schema(
    operation_id="claim",
    summary="Claim the next entry under a prefix",
    description="The first whose key names no lease that is held; that lease is acquired with it.",
    tags=["coordination"],
    parameters=[_NAMESPACE, _WAIT, _AGENT, _IDEMPOTENCY_KEY, _LEASE],
    request=ClaimBody,
    responses={200: Claim, **_problems(*_REFUSED_ACQUIRE, "invalid_prefix", "nothing_to_claim")},
)
_REFUSED_PAST = ("invalid_namespace", "invalid_key", "invalid_parameter", "namespace_suspended")
get_history = extend_schema(
    operation_id="get_history",
    summary="The versions of a key",
    tags=["history"],
    parameters=[
        _NAMESPACE,
        OpenApiParameter("key", {"type": "string", "minLength": 1, "maxLength": _DEFAULTS["key_bytes"]}, required=True),
        OpenApiParameter("before", {"type": "integer", "minimum": 0}, description="next_before of the page before."),
        OpenApiParameter("limit", {"type": "integer", "minimum": 1, "maximum": _DEFAULTS["keys_per_page"]}),
        OpenApiParameter("include", OpenApiTypes.STR, enum=["values"], description="With the values that were set."),
    ],
    responses={200: History, **_problems(*_REFUSED_PAST)},
)
_REFUSED_FRAME = ("invalid_json", "invalid_body", "body_too_large", "unsupported_media_type", "invalid_agent")
_REFUSED_RESTORE = ("namespace_read_only", "namespace_suspended", "storage_limit", "value_too_large", "disk_full")
restore = extend_schema(
    operation_id="restore",
    summary="Set a key to what one of its versions was",
    description="As a new version, also where the key was deleted since. Counts as no write of the day.",
    tags=["history"],
    parameters=[_NAMESPACE, _AGENT, _IF_MATCH, _IF_NONE_MATCH, _IDEMPOTENCY_KEY, _LEASE],
    request=RestoreBody,
    responses={
        200: OpenApiResponse(Written, description="Replaced"),
        201: OpenApiResponse(Written, description="New"),
        **_problems(
            *_REFUSED_PAST[:3],
            *_REFUSED_FRAME,
            *_REFUSED_TERMS,
            *_REFUSED_RESTORE,
            "invalid_ttl",
            "version_not_found",
            "precondition_failed",
        ),
    },
)
_REFUSED_ROLLBACK = ("invalid_namespace", "invalid_parameter", "namespace_suspended", "rollback_not_found")
rollback = extend_schema(
    operation_id="rollback",
    summary="Take back what one writer did",
    description="Each key that it wrote goes back to the newest version not by it. Counts as no write of the day.",
    tags=["history"],
    parameters=[_NAMESPACE, _AGENT, _IDEMPOTENCY_KEY, _LEASE],
    request=RollbackBody,
    responses={
        200: Rollback,
        202: OpenApiResponse(Rollback, description="More keys than one transaction takes: a job does it."),
        **_problems(
            "invalid_namespace",
            "invalid_parameter",
            "invalid_prefix",
            "invalid_revision",
            *_REFUSED_FRAME,
            *_REFUSED_TERMS,
            *_REFUSED_RESTORE,
            "namespace_not_found",
            "rollback_running",
        ),
    },
)
_JOB = OpenApiParameter("job", str, OpenApiParameter.PATH, description="As the rollback's answer named it.")
get_rollback = extend_schema(
    operation_id="get_rollback",
    summary="What a rollback has done so far",
    tags=["history"],
    parameters=[_NAMESPACE, _JOB],
    responses={200: Rollback, **_problems(*_REFUSED_ROLLBACK)},
)
cancel_rollback = extend_schema(
    operation_id="cancel_rollback",
    summary="Stop a rollback",
    description="What it took back stays taken back.",
    tags=["history"],
    parameters=[_NAMESPACE, _JOB],
    responses={200: Rollback, **_problems(*_REFUSED_ROLLBACK, "disk_full")},
)
get_quarantine = extend_schema(
    operation_id="get_quarantine",
    summary="Who is in quarantine",
    tags=["history"],
    parameters=[_NAMESPACE],
    responses={200: Quarantine, **_problems("invalid_namespace", "invalid_parameter", "namespace_suspended")},
)
_REFUSED_QUARANTINE = (
    "invalid_namespace",
    "invalid_parameter",
    "invalid_agent",
    "namespace_not_found",
    "namespace_read_only",
    "namespace_suspended",
    "disk_full",
)
quarantine = extend_schema(
    operation_id="quarantine",
    summary="Hide what a writer wrote",
    description="Its values are not read by anybody until it is released; its changes stay in the log.",
    tags=["history"],
    parameters=[_NAMESPACE, _AGENT],
    request=QuarantineBody,
    responses={
        200: OpenApiResponse(Placed, description="It was already."),
        201: Placed,
        **_problems(*_REFUSED_QUARANTINE, *_REFUSED_FRAME, "quarantine_limit"),
    },
)
release_writer = extend_schema(
    operation_id="release_writer",
    summary="Have what a writer wrote be read again",
    tags=["history"],
    parameters=[
        _NAMESPACE,
        _AGENT,
        OpenApiParameter("writer", str, required=True, description="Empty: those who gave no name."),
        OpenApiParameter("verified", {"type": "string", "enum": ["true", "false"]}, required=True),
    ],
    responses={200: ReleasedWriter, **_problems(*_REFUSED_QUARANTINE, "not_quarantined")},
)
_TOKEN_ID = OpenApiParameter("token_id", str, OpenApiParameter.PATH, description="The id of a token, or self.")
_REFUSED_TOKEN = ("invalid_namespace", "invalid_parameter", "namespace_not_found", "namespace_open")
_REFUSED_TOKEN_BODY = (
    "invalid_json",
    "invalid_body",
    "invalid_agent",
    "writer_mismatch",
    "body_too_large",
    "unsupported_media_type",
    "disk_full",
    "namespace_suspended",
)
claim_namespace = extend_schema(
    operation_id="claim_namespace",
    summary="Make a namespace private",
    description="Its first token is in the answer, this once. A namespace that does not exist is made.",
    tags=["tokens"],
    parameters=[_NAMESPACE],
    request=ClaimNamespaceBody,
    responses={
        201: SharedToken,
        **_problems(
            "invalid_namespace",
            "invalid_parameter",
            "claim_code_required",
            "already_claimed",
            "namespace_read_only",
            "namespace_creation_limit",
            *_REFUSED_TOKEN_BODY,
        ),
    },
)
list_tokens = extend_schema(
    operation_id="list_tokens",
    summary="The tokens that this one may manage",
    description="An admin's: all of the namespace; else itself and what was shared with it.",
    tags=["tokens"],
    parameters=[_NAMESPACE],
    responses={200: TokenList, **_problems(*_REFUSED_TOKEN)},
)
share_token = extend_schema(
    operation_id="share_token",
    summary="Share a part of what a token may do",
    description="By default the new one reads what this one may read, in its name.",
    tags=["tokens"],
    parameters=[_NAMESPACE],
    request=TokenBody,
    responses={
        201: SharedToken,
        **_problems(*_REFUSED_TOKEN, *_REFUSED_TOKEN_BODY, "invalid_prefix", "invalid_ttl", "token_limit"),
    },
)
get_token = extend_schema(
    operation_id="get_token",
    summary="What a token may do",
    tags=["tokens"],
    parameters=[_NAMESPACE, _TOKEN_ID],
    responses={200: OneToken, **_problems(*_REFUSED_TOKEN, "token_not_found")},
)
revoke_token = extend_schema(
    operation_id="revoke_token",
    summary="Revoke a token, and what was shared with it",
    tags=["tokens"],
    parameters=[_NAMESPACE, _TOKEN_ID],
    responses={
        200: RevokedToken,
        **_problems(*_REFUSED_TOKEN, *_REFUSED_TOKEN_BODY, "token_not_found", "last_admin_token"),
    },
)
rotate_token = extend_schema(
    operation_id="rotate_token",
    summary="Replace a token by a new one with the same rights",
    tags=["tokens"],
    parameters=[_NAMESPACE, _TOKEN_ID],
    request=RotationBody,
    responses={
        201: SharedToken,
        **_problems(*_REFUSED_TOKEN, *_REFUSED_TOKEN_BODY, "invalid_ttl", "token_not_found", "token_limit"),
    },
)
