"""How OpenAPI describes the operations on entries, batches, the change log, and the namespace itself."""

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import (
    OpenApiExample,
    OpenApiParameter,
    OpenApiResponse,
    PolymorphicProxySerializer,
    extend_schema,
)

from api.bodies import EDITS, OPERATIONS
from api.schema.shapes import (
    DEFAULTS,
    Batch,
    Changed,
    ChangePage,
    Cleared,
    Deleted,
    Entry,
    Namespace,
    Page,
    Past,
    SetBody,
    Written,
)
from api.schema.terms import (
    AGENT,
    EQUALS,
    IDEMPOTENCY_KEY,
    IF_MATCH,
    IF_NONE_MATCH,
    KEY,
    LEASE,
    NAMESPACE,
    PREFER,
    PREFIX,
    REFUSED_CHANGE,
    REFUSED_SET,
    REFUSED_TERMS,
    REFUSED_WRITE,
    VERIFIED,
    VERSION,
    WAIT,
    WRITER,
    op_object,
    problems,
)

get_entry = extend_schema(
    operation_id="get_entry",
    summary="Get an entry",
    tags=["memory"],
    parameters=[NAMESPACE, KEY, IF_NONE_MATCH, WAIT, EQUALS, VERSION],
    responses={
        200: PolymorphicProxySerializer("EntryOrPast", [Entry, Past], resource_type_field_name=None),
        304: OpenApiResponse(description="Not modified"),
        **problems(
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
    parameters=[NAMESPACE, KEY, AGENT, IF_MATCH, IF_NONE_MATCH, IDEMPOTENCY_KEY, LEASE],
    request=SetBody,
    examples=[
        OpenApiExample("signal", {"value": {"action": "buy", "confidence": 0.9}, "ttl": 3600}, request_only=True)
    ],
    responses={
        200: OpenApiResponse(Written, description="Replaced"),
        201: OpenApiResponse(Written, description="New"),
        **problems(*REFUSED_SET),
    },
)
change_entry = extend_schema(
    operation_id="change_entry",
    summary="Change an entry",
    description="Append, pop, increment, merge or patch: one write, made of what stands there.",
    tags=["memory"],
    parameters=[NAMESPACE, KEY, AGENT, IF_MATCH, IF_NONE_MATCH, IDEMPOTENCY_KEY, LEASE, PREFER],
    request={
        "application/json": {
            "oneOf": [op_object(op, required, ("ttl", *optional)) for op, (required, optional) in EDITS.items()]
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
        **problems(*REFUSED_CHANGE),
    },
)
delete_entry = extend_schema(
    operation_id="delete_entry",
    summary="Delete an entry",
    tags=["memory"],
    parameters=[NAMESPACE, KEY, AGENT, IF_MATCH, IDEMPOTENCY_KEY, LEASE],
    responses={
        200: Deleted,
        **problems(
            "invalid_namespace",
            "invalid_key",
            "invalid_parameter",
            "invalid_agent",
            *REFUSED_TERMS,
            "key_not_found",
            "precondition_failed",
            *REFUSED_WRITE,
        ),
    },
)
list_entries = extend_schema(
    operation_id="list_entries",
    summary="List keys, or entries",
    tags=["memory"],
    parameters=[
        NAMESPACE,
        PREFIX,
        OpenApiParameter("cursor", str, description="next_cursor of the page before."),
        OpenApiParameter("limit", {"type": "integer", "minimum": 1, "maximum": DEFAULTS["keys_per_page"]}),
        OpenApiParameter("include", OpenApiTypes.STR, enum=["values"], description="Whole entries too."),
    ],
    responses={
        200: Page,
        **problems("invalid_namespace", "invalid_prefix", "invalid_cursor", "invalid_parameter", "namespace_suspended"),
    },
)
clear_entries = extend_schema(
    operation_id="clear_entries",
    summary="Clear a namespace, or what is under a prefix",
    description="Counts as one write.",
    tags=["memory"],
    parameters=[NAMESPACE, PREFIX, AGENT],
    responses={
        200: Cleared,
        **problems(
            "invalid_namespace",
            "invalid_prefix",
            "invalid_parameter",
            "invalid_agent",
            "namespace_not_found",
            *REFUSED_WRITE,
        ),
    },
)
get_namespace = extend_schema(
    operation_id="get_namespace",
    summary="Status, limits and usage",
    tags=["namespaces"],
    parameters=[NAMESPACE],
    responses={200: Namespace, **problems("invalid_namespace", "invalid_parameter", "namespace_not_found")},
)
get_changes = extend_schema(
    operation_id="get_changes",
    summary="What happened after a revision",
    tags=["namespaces"],
    parameters=[
        NAMESPACE,
        OpenApiParameter(
            "since", {"type": "integer", "minimum": 0}, description="A revision; left out: from now, so no changes yet."
        ),
        PREFIX,
        OpenApiParameter("limit", {"type": "integer", "minimum": 1, "maximum": DEFAULTS["keys_per_page"]}),
        WAIT,
        WRITER,
        VERIFIED,
        OpenApiParameter("Last-Event-ID", str, OpenApiParameter.HEADER, description="Of a stream: goes before since."),
    ],
    responses={
        (200, "application/json"): ChangePage,
        (200, "text/event-stream"): OpenApiResponse(OpenApiTypes.STR, description="With Accept: text/event-stream."),
        **problems(
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
    parameters=[NAMESPACE, AGENT, IDEMPOTENCY_KEY, LEASE],
    request={
        "application/json": {
            "type": "object",
            "properties": {
                "operations": {
                    "type": "array",
                    "maxItems": DEFAULTS["batch_operations"],
                    "items": {"oneOf": [op_object(op, *members) for op, members in OPERATIONS.items()]},
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
    responses={200: Batch, **problems("batch_too_large", *REFUSED_CHANGE)},
)
