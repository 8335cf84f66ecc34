"""How OpenAPI describes claiming a namespace, and its tokens."""

from drf_spectacular.utils import (
    OpenApiParameter,
    extend_schema,
)

from api.schema.shapes import (
    ClaimNamespaceBody,
    OneToken,
    RevokedToken,
    RotationBody,
    SharedToken,
    TokenBody,
    TokenList,
)
from api.schema.terms import NAMESPACE, problems

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
    parameters=[NAMESPACE],
    request=ClaimNamespaceBody,
    responses={
        201: SharedToken,
        **problems(
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
    parameters=[NAMESPACE],
    responses={200: TokenList, **problems(*_REFUSED_TOKEN)},
)
share_token = extend_schema(
    operation_id="share_token",
    summary="Share a part of what a token may do",
    description="By default the new one reads what this one may read, in its name.",
    tags=["tokens"],
    parameters=[NAMESPACE],
    request=TokenBody,
    responses={
        201: SharedToken,
        **problems(*_REFUSED_TOKEN, *_REFUSED_TOKEN_BODY, "invalid_prefix", "invalid_ttl", "token_limit"),
    },
)
get_token = extend_schema(
    operation_id="get_token",
    summary="What a token may do",
    tags=["tokens"],
    parameters=[NAMESPACE, _TOKEN_ID],
    responses={200: OneToken, **problems(*_REFUSED_TOKEN, "token_not_found")},
)
revoke_token = extend_schema(
    operation_id="revoke_token",
    summary="Revoke a token, and what was shared with it",
    tags=["tokens"],
    parameters=[NAMESPACE, _TOKEN_ID],
    responses={
        200: RevokedToken,
        **problems(*_REFUSED_TOKEN, *_REFUSED_TOKEN_BODY, "token_not_found", "last_admin_token"),
    },
)
rotate_token = extend_schema(
    operation_id="rotate_token",
    summary="Replace a token by a new one with the same rights",
    tags=["tokens"],
    parameters=[NAMESPACE, _TOKEN_ID],
    request=RotationBody,
    responses={
        201: SharedToken,
        **problems(*_REFUSED_TOKEN, *_REFUSED_TOKEN_BODY, "invalid_ttl", "token_not_found", "token_limit"),
    },
)
