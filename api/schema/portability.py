"""How OpenAPI describes export and import."""

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import (
    OpenApiParameter,
    OpenApiResponse,
    extend_schema,
)

from api.schema.shapes import Import
from api.schema.terms import AGENT, NAMESPACE, PREFIX, REFUSED_WRITE, problems
from namespaces.importing import OnConflict

export = extend_schema(
    operation_id="export",
    summary="Export everything, or what is under a prefix",
    description="Lines of JSON, as it all was at one revision: a header, the entries, the changes, a trailer.",
    tags=["namespaces"],
    parameters=[
        NAMESPACE,
        PREFIX,
        OpenApiParameter("history", bool, description="With the change log, newest first."),
    ],
    responses={
        (200, "application/x-ndjson"): OpenApiResponse(OpenApiTypes.STR, description="The export."),
        **problems(
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
        NAMESPACE,
        AGENT,
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
        **problems(
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
            *REFUSED_WRITE,
        ),
    },
)
