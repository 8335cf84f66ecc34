"""How OpenAPI describes leases and claims."""

from drf_spectacular.utils import (
    extend_schema,
)

from api.schema.shapes import AcquireBody, Claim, ClaimBody, Lease, Released, RenewBody
from api.schema.terms import (
    AGENT,
    FENCING,
    IDEMPOTENCY_KEY,
    LEASE,
    LEASE_NAME,
    NAMESPACE,
    REFUSED_TERMS,
    WAIT,
    problems,
)

_REFUSED_LEASE = (
    "invalid_namespace",
    "invalid_key",
    "invalid_parameter",
    "invalid_agent",
    "namespace_read_only",
    "namespace_suspended",
    "disk_full",
    *REFUSED_TERMS,
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
    parameters=[NAMESPACE, LEASE_NAME],
    responses={
        200: Lease,
        **problems("invalid_namespace", "invalid_key", "invalid_parameter", "namespace_suspended", "lease_not_found"),
    },
)
acquire_lease = extend_schema(
    operation_id="acquire_lease",
    summary="Acquire a lease",
    tags=["coordination"],
    parameters=[NAMESPACE, LEASE_NAME, WAIT, AGENT, IDEMPOTENCY_KEY, LEASE],
    request=AcquireBody,
    responses={201: Lease, **problems(*_REFUSED_ACQUIRE, "lease_held")},
)
renew_lease = extend_schema(
    operation_id="renew_lease",
    summary="Hold a lease for longer",
    tags=["coordination"],
    parameters=[NAMESPACE, LEASE_NAME, IDEMPOTENCY_KEY, LEASE],
    request=RenewBody,
    responses={200: Lease, **problems(*_REFUSED_LEASE, *_REFUSED_LEASE_BODY)},
)
release_lease = extend_schema(
    operation_id="release_lease",
    summary="Give a lease back",
    tags=["coordination"],
    parameters=[NAMESPACE, LEASE_NAME, FENCING, IDEMPOTENCY_KEY, LEASE],
    responses={200: Released, **problems(*_REFUSED_LEASE)},
)
claim = extend_schema(
    operation_id="claim",
    summary="Claim the next entry under a prefix",
    description="The first whose key names no lease that is held; that lease is acquired with it.",
    tags=["coordination"],
    parameters=[NAMESPACE, WAIT, AGENT, IDEMPOTENCY_KEY, LEASE],
    request=ClaimBody,
    responses={200: Claim, **problems(*_REFUSED_ACQUIRE, "invalid_prefix", "nothing_to_claim")},
)
