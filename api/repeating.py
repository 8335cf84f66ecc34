"""Terms of a write that headers name: a lease that has to be held, and a key by which it is carried out once only.

What is kept for a repetition is the answer without the values that stand in the change log: they are put in from there,
and left out where the log no longer has them.
"""

import hashlib
import json
import re
from collections.abc import Callable
from typing import Any

from django.http import HttpRequest

from api.refusals import RequestRefused
from api.rendering import Answer, StoredValue
from api.requests import decoded, raw_path
from namespaces import reading
from namespaces.errors import InvalidIdempotencyKey, InvalidKey
from namespaces.limits import limit
from namespaces.names import check_key
from namespaces.units import FREE, Held, Once, Repeated, Terms

_VISIBLE = re.compile(r"[\x21-\x7e]{1,255}")
_LEASE = re.compile(r"([^=]+)=([0-9]{1,18})")
# What makes another request of the same address and body; another token may not read what the first one was told.
_CONDITIONS = (
    "HTTP_AUTHORIZATION",
    "HTTP_IF_MATCH",
    "HTTP_IF_NONE_MATCH",
    "HTTP_X_BOTWIRE_LEASE",
    "CONTENT_TYPE",
    "HTTP_PREFER",
)


def terms_of(request: HttpRequest, content: bytes, answer: Callable[[Any], Answer]) -> Terms:
    """The terms of a write with this content, whose result is rendered by `answer`."""
    lease, once = _lease_of(request), once_of(request, content, answer)
    return Terms(lease, once) if lease or once else FREE


def once_of(request: HttpRequest, content: bytes, answer: Callable[[Any], Answer]) -> Once | None:
    """What `Idempotency-Key` asks for; InvalidIdempotencyKey if it is none."""
    key = request.META.get("HTTP_IDEMPOTENCY_KEY")
    if key is None:
        return None
    if not _VISIBLE.fullmatch(key):
        raise InvalidIdempotencyKey("An Idempotency-Key is 1 to 255 visible ASCII characters.", limit=255)
    said = (request.method, raw_path(request), request.META.get("QUERY_STRING", ""))
    conditions = [request.META.get(name) for name in _CONDITIONS]
    digest = hashlib.sha256(json.dumps([*said, *conditions]).encode() + b"\n" + content).hexdigest()
    return Once(key, digest, lambda result: _kept(answer(result)))


def _lease_of(request: HttpRequest) -> Held | None:
    header = request.META.get("HTTP_X_BOTWIRE_LEASE")
    if header is None:
        return None
    found = _LEASE.fullmatch(header)
    if not found:
        raise RequestRefused("invalid_condition", "X-BotWire-Lease is <percent-encoded name>=<fencing number>.")
    return Held(check_key(decoded(found[1], InvalidKey, limit("key_bytes"))), int(found[2]))


def _kept(answer: Answer) -> str:
    parts = [part.revision if isinstance(part, StoredValue) else part for part in answer.parts or (answer.body,)]
    return json.dumps({"status": answer.status, "etag": answer.headers.get("ETag"), "body": parts})


def answer_again(repeated: Repeated) -> Answer:
    """The first answer once more."""
    kept = json.loads(repeated.answer)
    revisions = [part for part in kept["body"] if isinstance(part, int)]
    values = reading.values_at(repeated.namespace, revisions)
    parts = [part if isinstance(part, str) else StoredValue(part, values.get(part)).member for part in kept["body"]]
    headers = {"Idempotency-Replayed": "true"} | ({"ETag": kept["etag"]} if kept["etag"] else {})
    return Answer("".join(parts), kept["status"], headers)
