"""Every answer that is not 2xx or 304, in one envelope: `application/problem+json` (RFC 9457).

`PROBLEMS` maps each stable code to its status; nothing else in the code base knows which status a refusal has.
"""

import logging
import math
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import wraps
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import Error
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.views.decorators.csrf import csrf_exempt
from rest_framework.exceptions import MethodNotAllowed

from api.refusals import RequestRefused
from api.rendering import as_json, timestamp
from namespaces import clock
from namespaces.database import trouble_of
from namespaces.errors import Refusal

logger = logging.getLogger("botwire.api")


@dataclass(frozen=True, slots=True)
class Problem:
    """What a code means: the status, a title that never changes, and the next step for whoever got it."""

    status: int
    title: str
    next_step: str


_FIX = "Correct the request; sending it again as it is will be refused again."
PROBLEMS: dict[str, Problem] = {
    "invalid_json": Problem(400, "Not JSON", 'Send a JSON object such as {"value": 42}, in UTF-8.'),
    "invalid_body": Problem(400, "Not a body for this request", 'Send {"value": any JSON} and, if wanted, "ttl".'),
    "json_too_deep": Problem(
        400, "JSON nested too deep", "Flatten the value, or store its parts under keys of their own."
    ),
    "invalid_ttl": Problem(400, "Not a time to live", "Give ttl as a number of seconds, or leave it out."),
    "invalid_namespace": Problem(400, "Not a namespace's name", "Choose another name, such as trading-desk."),
    "invalid_key": Problem(400, "Not a key", "Choose another key, such as user:42."),
    "invalid_prefix": Problem(400, "Not the beginning of a key", _FIX),
    "invalid_cursor": Problem(400, "Not a cursor", "Give next_cursor back as it came, or leave cursor out."),
    "invalid_revision": Problem(
        400, "Revision not reached", "Go on from the revision given, or leave since out to begin with now."
    ),
    "invalid_parameter": Problem(400, "Query parameter refused", _FIX),
    "invalid_condition": Problem(
        400, "Condition not understood", 'Give a version in double quotes, such as "17", or *.'
    ),
    "invalid_agent": Problem(400, "Not a writer's name", "Give a shorter X-BotWire-Agent in UTF-8, or leave it out."),
    "invalid_patch": Problem(400, "Not a JSON Patch", "Send a list of operations as RFC 6902 has them."),
    "invalid_idempotency_key": Problem(400, "Not an idempotency key", "Send a random one, such as a UUID."),
    "invalid_export": Problem(400, "Not a whole export", "Export anew; what is written there is not to be edited."),
    "writer_mismatch": Problem(
        400, "Not the writer of the token", "Leave X-BotWire-Agent out: a token's writer is known."
    ),
    "token_in_url": Problem(
        400, "Token in the address", "Revoke or rotate it, and send tokens in Authorization: Bearer only."
    ),
    "bad_request": Problem(400, "Bad request", _FIX),
    "invalid_token": Problem(401, "Not a token of this namespace", "Correct the token; an open namespace needs none."),
    "token_not_allowed": Problem(
        403,
        "Token may not do this",
        "Keep to its prefixes, or ask the namespace's admin for another token.",
    ),
    "claim_code_required": Problem(
        403, "Claim code required", "Give the claim_code of the answer to the write that made the namespace."
    ),
    "namespace_read_only": Problem(403, "Namespace is read-only", "Read on; ask the operator to allow writes again."),
    "namespace_suspended": Problem(403, "Namespace is suspended", "Ask the operator; the reason is given."),
    "forbidden": Problem(403, "Forbidden", "Sign in with an account that may do this."),
    "key_not_found": Problem(404, "Key not found", "Set the key first, or list the namespace's keys."),
    "namespace_not_found": Problem(
        404,
        "Namespace not found",
        "Write to it, which makes it; or, if it is private, show a token of it.",
    ),
    "token_not_found": Problem(404, "Token not found", "List the tokens for the ids that there are."),
    "lease_not_found": Problem(404, "Lease not held", "Acquire it, if you want it."),
    "nothing_to_claim": Problem(404, "Nothing to claim", "Set an entry under the prefix, or wait for one with ?wait=."),
    "version_not_found": Problem(404, "Version not found", "Choose one of the versions given."),
    "not_quarantined": Problem(404, "Writer not in quarantine", "List who is; verified and self-declared are two."),
    "rollback_not_found": Problem(404, "Rollback not found", "Give the job as the rollback's answer named it."),
    "path_not_found": Problem(404, "No such address", "See /api/docs/ for the addresses there are."),
    "method_not_allowed": Problem(405, "Method not allowed", "Use a method that the Allow header names."),
    "target_missing": Problem(409, "Nothing to change", "Set the entry first, or give an initial value."),
    "wrong_type": Problem(409, "Value of another type", "Read the entry; change what it is, or another one."),
    "patch_failed": Problem(409, "Patch does not fit", "Read the entry, and make the patch anew."),
    "number_out_of_range": Problem(409, "Number out of range", "Increment by less, or set the entry anew."),
    "entry_quarantined": Problem(
        409, "Entry's writer is in quarantine", "Set the entry anew, or restore a version by somebody else."
    ),
    "rollback_running": Problem(409, "A rollback is running", "Wait for its end, or cancel it."),
    "already_claimed": Problem(
        409, "Namespace is private already", "Ask its admin for a token, or choose another name."
    ),
    "namespace_open": Problem(409, "Namespace is open", "Claim it first, which gives its first token."),
    "last_admin_token": Problem(409, "Last admin token", "Rotate it instead: the new one takes its place."),
    "lease_held": Problem(409, "Lease held by another", "Wait for it with ?wait=, or try again after Retry-After."),
    "import_conflict": Problem(
        409, "Key is there already", "Decide by on_conflict: skip keeps what is there, replace overwrites it."
    ),
    "revision_trimmed": Problem(
        410, "Revision no longer in the change log", "Read what you need, then follow the changes from now on."
    ),
    "precondition_failed": Problem(
        412, "Condition does not hold", "Read the entry, decide again, and retry with its version."
    ),
    "lease_lost": Problem(412, "Lease not held any more", "Stop what the lease protects; acquire it again."),
    "value_too_large": Problem(413, "Value too large", "Split the value over several keys."),
    "body_too_large": Problem(413, "Body too large", "Send a body not much larger than the largest value."),
    "batch_too_large": Problem(413, "Batch too large", "Split it: what belongs together first."),
    "unsupported_media_type": Problem(
        415, "Not a JSON body", "Send Content-Type: application/json, without Content-Encoding."
    ),
    "idempotency_key_reused": Problem(
        422, "Idempotency key used for another request", "Take a new key for each write that is meant anew."
    ),
    "daily_write_limit": Problem(429, "Daily write limit reached", "Write again after resets_at; reads go on."),
    "namespace_creation_limit": Problem(429, "Too many new namespaces", "Use the namespaces you have, or wait."),
    "token_limit": Problem(429, "Too many tokens", "Revoke tokens that are no longer needed, or let them expire."),
    "guess_limit": Problem(429, "Too many wrong tokens", "Correct the token; wait before you try another one."),
    "lease_limit": Problem(429, "Too many leases", "Release leases that are no longer needed, or let them expire."),
    "quarantine_limit": Problem(
        429, "Too many writers in quarantine", "Release those that are no danger; roll back what the others wrote."
    ),
    "internal_error": Problem(
        500, "Internal error", "This is our fault. Try again, and tell the operator if it stays."
    ),
    "database_unavailable": Problem(503, "Database unavailable", "Try again after Retry-After."),
    "outcome_unknown": Problem(503, "Outcome unknown", "Read the entry before you repeat the write."),
    "too_many_waiters": Problem(503, "Too many requests wait", "Ask without wait, or wait again after Retry-After."),
    "too_many_exports": Problem(503, "Too many exports", "Try again after Retry-After."),
    "storage_limit": Problem(507, "Storage limit reached", "Delete entries, or let them expire; then write again."),
    "disk_full": Problem(507, "Disk full", "Nothing helps but the operator's making room; reads go on."),
}


def answer(refusal: Refusal) -> HttpResponse:
    """The HTTP answer for a refusal."""
    problem = PROBLEMS[refusal.code]
    facts = _with_wait(refusal.facts)
    members = {
        "type": f"/docs/errors#{refusal.code}",
        "title": problem.title,
        "status": problem.status,
        "code": refusal.code,
        "detail": str(refusal),
        "next_step": problem.next_step,
        **{name: timestamp(fact) if isinstance(fact, datetime) else fact for name, fact in facts.items()},
    }
    response = HttpResponse(as_json(members), content_type="application/problem+json", status=problem.status)
    _add_headers(response, facts)
    return response


def _with_wait(facts: dict[str, Any]) -> dict[str, Any]:
    if "resets_at" not in facts:
        return facts
    return {**facts, "retry_after": max(1, math.ceil((facts["resets_at"] - clock.now()).total_seconds()))}


def _add_headers(response: HttpResponse, facts: dict[str, Any]) -> None:
    response["Cache-Control"] = "no-store"
    if "retry_after" in facts:
        response["Retry-After"] = str(facts["retry_after"])
    if response.status_code == 401:
        response["WWW-Authenticate"] = 'Bearer realm="botwire"'
    if "allowed" in facts:
        response["Allow"] = ", ".join(facts["allowed"])
    if facts.get("current_version") is not None:
        response["ETag"] = f'"{facts["current_version"]}"'


def answer_exception(error: Exception, context: dict[str, Any]) -> HttpResponse | None:
    """DRF's hook: what each exception of a view answers; None hands it on to Django's 500."""
    refusal = _refusal_of(error, context["view"].allowed_methods)
    return answer(refusal) if refusal else None


def _refusal_of(error: Exception, allowed: list[str]) -> Refusal | None:
    match error:
        case Refusal():
            return error
        case MethodNotAllowed():
            return RequestRefused("method_not_allowed", str(error.detail), allowed=allowed)
        case Http404():
            return RequestRefused("path_not_found", "There is nothing at this address.")
        case Error():
            return trouble_of(error)
        case _:
            return None


def safe_only(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """A view that can only be read; other methods get the envelope too, before anyone asks for a CSRF token."""

    @csrf_exempt
    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if request.method in ("GET", "HEAD"):
            return view(request, *args, **kwargs)
        allowed = ["GET", "HEAD"]
        return answer(RequestRefused("method_not_allowed", f'Method "{request.method}" not allowed.', allowed=allowed))

    return guarded


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's handler400: a request that no view was asked about, such as one with an impossible Host."""
    return answer(RequestRefused("bad_request", "This request cannot be understood."))


def forbidden(request: HttpRequest, exception: PermissionDenied) -> HttpResponse:
    """Django's handler403."""
    return answer(RequestRefused("forbidden", "This is not for you."))


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's handler404."""
    return answer(RequestRefused("path_not_found", "There is nothing at this address."))


def server_error(request: HttpRequest) -> HttpResponse:
    """Django's handler500. A database that does not answer is no error of ours, wherever it was asked."""
    error = sys.exc_info()[1]
    trouble = trouble_of(error) if isinstance(error, Error) else None
    return answer(trouble or RequestRefused("internal_error", "Something went wrong on our side."))
