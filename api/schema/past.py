"""How OpenAPI describes history, restore, rollback and quarantine."""

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import (
    OpenApiParameter,
    OpenApiResponse,
    extend_schema,
)

from api.schema.shapes import (
    DEFAULTS,
    History,
    Placed,
    Quarantine,
    QuarantineBody,
    ReleasedWriter,
    RestoreBody,
    Rollback,
    RollbackBody,
    Written,
)
from api.schema.terms import AGENT, IDEMPOTENCY_KEY, IF_MATCH, IF_NONE_MATCH, LEASE, NAMESPACE, REFUSED_TERMS, problems

_REFUSED_PAST = ("invalid_namespace", "invalid_key", "invalid_parameter", "namespace_suspended")
get_history = extend_schema(
    operation_id="get_history",
    summary="The versions of a key",
    tags=["history"],
    parameters=[
        NAMESPACE,
        OpenApiParameter("key", {"type": "string", "minLength": 1, "maxLength": DEFAULTS["key_bytes"]}, required=True),
        OpenApiParameter("before", {"type": "integer", "minimum": 0}, description="next_before of the page before."),
        OpenApiParameter("limit", {"type": "integer", "minimum": 1, "maximum": DEFAULTS["keys_per_page"]}),
        OpenApiParameter("include", OpenApiTypes.STR, enum=["values"], description="With the values that were set."),
    ],
    responses={200: History, **problems(*_REFUSED_PAST)},
)
_REFUSED_FRAME = ("invalid_json", "invalid_body", "body_too_large", "unsupported_media_type", "invalid_agent")
_REFUSED_RESTORE = ("namespace_read_only", "namespace_suspended", "storage_limit", "value_too_large", "disk_full")
restore = extend_schema(
    operation_id="restore",
    summary="Set a key to what one of its versions was",
    description="As a new version, also where the key was deleted since. Counts as no write of the day.",
    tags=["history"],
    parameters=[NAMESPACE, AGENT, IF_MATCH, IF_NONE_MATCH, IDEMPOTENCY_KEY, LEASE],
    request=RestoreBody,
    responses={
        200: OpenApiResponse(Written, description="Replaced"),
        201: OpenApiResponse(Written, description="New"),
        **problems(
            *_REFUSED_PAST[:3],
            *_REFUSED_FRAME,
            *REFUSED_TERMS,
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
    parameters=[NAMESPACE, AGENT, IDEMPOTENCY_KEY, LEASE],
    request=RollbackBody,
    responses={
        200: Rollback,
        202: OpenApiResponse(Rollback, description="More keys than one transaction takes: a job does it."),
        **problems(
            "invalid_namespace",
            "invalid_parameter",
            "invalid_prefix",
            "invalid_revision",
            *_REFUSED_FRAME,
            *REFUSED_TERMS,
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
    parameters=[NAMESPACE, _JOB],
    responses={200: Rollback, **problems(*_REFUSED_ROLLBACK)},
)
cancel_rollback = extend_schema(
    operation_id="cancel_rollback",
    summary="Stop a rollback",
    description="What it took back stays taken back.",
    tags=["history"],
    parameters=[NAMESPACE, _JOB],
    responses={200: Rollback, **problems(*_REFUSED_ROLLBACK, "disk_full")},
)
get_quarantine = extend_schema(
    operation_id="get_quarantine",
    summary="Who is in quarantine",
    tags=["history"],
    parameters=[NAMESPACE],
    responses={200: Quarantine, **problems("invalid_namespace", "invalid_parameter", "namespace_suspended")},
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
    parameters=[NAMESPACE, AGENT],
    request=QuarantineBody,
    responses={
        200: OpenApiResponse(Placed, description="It was already."),
        201: Placed,
        **problems(*_REFUSED_QUARANTINE, *_REFUSED_FRAME, "quarantine_limit"),
    },
)
release_writer = extend_schema(
    operation_id="release_writer",
    summary="Have what a writer wrote be read again",
    tags=["history"],
    parameters=[
        NAMESPACE,
        AGENT,
        OpenApiParameter("writer", str, required=True, description="Empty: those who gave no name."),
        OpenApiParameter("verified", {"type": "string", "enum": ["true", "false"]}, required=True),
    ],
    responses={200: ReleasedWriter, **problems(*_REFUSED_QUARANTINE, "not_quarantined")},
)
