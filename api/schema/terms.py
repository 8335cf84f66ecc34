"""What several operations have in common: their parameters, and what any of them may be refused for."""

from typing import Any

from drf_spectacular.utils import (
    OpenApiParameter,
    OpenApiResponse,
)

from api.problems import PROBLEMS
from api.schema.shapes import DEFAULTS, NAME_PATTERN, Problem

NAMESPACE = OpenApiParameter("namespace", {"type": "string", "pattern": NAME_PATTERN}, OpenApiParameter.PATH)
KEY = OpenApiParameter(
    "key",
    {"type": "string", "minLength": 1, "maxLength": DEFAULTS["key_bytes"]},
    OpenApiParameter.PATH,
    description="1 to 512 bytes of UTF-8, percent-encoded; a slash may stand as it is.",
)
LEASE_NAME = OpenApiParameter(
    "name",
    {"type": "string", "minLength": 1, "maxLength": DEFAULTS["key_bytes"]},
    OpenApiParameter.PATH,
    description="What may be a key may be the name of a lease.",
)
FENCING = OpenApiParameter("fencing", {"type": "integer", "minimum": 0}, required=True)
AGENT = OpenApiParameter("X-BotWire-Agent", str, OpenApiParameter.HEADER, description="The writer's name.")
IF_MATCH = OpenApiParameter(
    "If-Match", str, OpenApiParameter.HEADER, description='* or versions in double quotes, such as "17"'
)
IF_NONE_MATCH = OpenApiParameter("If-None-Match", str, OpenApiParameter.HEADER)
IDEMPOTENCY_KEY = OpenApiParameter(
    "Idempotency-Key",
    {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
    OpenApiParameter.HEADER,
    description="The same key with the same request is carried out once, and answered alike.",
)
LEASE = OpenApiParameter(
    "X-BotWire-Lease",
    str,
    OpenApiParameter.HEADER,
    description="<percent-encoded name>=<fencing number>: write only while that lease is held.",
)
PREFER = OpenApiParameter("Prefer", str, OpenApiParameter.HEADER, description="return=minimal: without the value.")
WAIT = OpenApiParameter(
    "wait",
    {"type": "integer", "minimum": 0, "maximum": DEFAULTS["wait_seconds"]},
    description="Seconds that the answer may be held back until what is asked for has come.",
)
EQUALS = OpenApiParameter("equals", str, description="With wait: until the value equals this JSON text.")
VERSION = OpenApiParameter(
    "version", {"type": "integer", "minimum": 0}, description="What this version set, as the log has it."
)
WRITER = OpenApiParameter("writer", str, description="Only what this writer did; empty: who gave no name.")
VERIFIED = OpenApiParameter("verified", {"type": "string", "enum": ["true", "false"]})
PREFIX = OpenApiParameter("prefix", str, description="Only keys that begin so.")


_MEMBERS: dict[str, Any] = {
    "key": {"type": "string", "minLength": 1, "maxLength": DEFAULTS["key_bytes"]},
    "ttl": {"type": ["number", "null"], "exclusiveMinimum": 0, "maximum": DEFAULTS["ttl_seconds"]},
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
    "name": {"type": "string", "minLength": 1, "maxLength": DEFAULTS["key_bytes"]},
    "fencing": {"type": "integer", "minimum": 0},
}


def op_object(op: str, required: tuple[str, ...], optional: tuple[str, ...]) -> dict[str, Any]:
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


def problems(*codes: str) -> dict[Any, Any]:
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


REFUSED_TERMS = (
    "writer_mismatch",
    "namespace_not_found",
    "invalid_idempotency_key",
    "idempotency_key_reused",
    "invalid_condition",
    "lease_lost",
)
REFUSED_WRITE = ("namespace_read_only", "namespace_suspended", "daily_write_limit", "disk_full")

REFUSED_SET = (
    "invalid_json",
    "invalid_body",
    "json_too_deep",
    "invalid_ttl",
    "invalid_namespace",
    "invalid_key",
    "invalid_parameter",
    "invalid_agent",
    *REFUSED_TERMS,
    "precondition_failed",
    "value_too_large",
    "body_too_large",
    "unsupported_media_type",
    "namespace_creation_limit",
    "storage_limit",
    *REFUSED_WRITE,
)
REFUSED_CHANGE = (
    *REFUSED_SET,
    "invalid_patch",
    "target_missing",
    "wrong_type",
    "patch_failed",
    "number_out_of_range",
    "entry_quarantined",
)
