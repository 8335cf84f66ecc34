"""The body of a set: read within its limit, checked, and its value kept as the text that was sent."""

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import IO, Any

from django.http import HttpRequest
from django.utils.http import parse_header_parameters

from api.refusals import RequestRefused
from namespaces.errors import InvalidJSON, InvalidTTL
from namespaces.jsontext import JSONText, members
from namespaces.limits import limit
from namespaces.reading import value_limit

# What a body may have beside its value: member names, a ttl, white space.
FRAME_BYTES = 4_096
_CHUNK = 65_536
# A length of more digits is beyond every limit, and perhaps beyond what int() reads.
_TELLING_DIGITS = 20


@dataclass(frozen=True, slots=True)
class SetBody:
    """`{"value": any JSON, "ttl": seconds?}`."""

    value: JSONText
    ttl: float | None


def set_body_of(request: HttpRequest, namespace: str) -> SetBody:
    """The body of a set, or the refusal: 413 before more than the limit is read, 415, 400."""
    check_type(request.META.get("CONTENT_TYPE", ""))
    _check_encoding(request)
    return parsed(_read(request, namespace))


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


def _read(request: HttpRequest, namespace: str) -> bytes:
    declared = _declared_length(request)
    most = limit("value_bytes") + FRAME_BYTES
    if declared is None or declared > most:
        most = value_limit(namespace) + FRAME_BYTES
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
    try:
        text = body.decode()
    except UnicodeDecodeError as error:
        raise InvalidJSON(f"The body is not UTF-8 at byte {error.start}.") from None
    given: dict[str, str] = {}
    for name, value in members(text):
        if name not in ("value", "ttl") or name in given:
            fault = "stands twice" if name in given else "is unknown; there are value and ttl"
            raise RequestRefused("invalid_body", f"The member {name[:80]!r} of the body {fault}.")
        given[name] = value
    if "value" not in given:
        raise RequestRefused("invalid_body", "The body has no member 'value'.")
    return SetBody(JSONText.of_scanned(given["value"]), _seconds(given.get("ttl", "null")))


def _seconds(text: str) -> float | None:
    if text == "null":
        return None
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not math.isfinite(seconds):
        raise InvalidTTL(f"A ttl is a number of seconds, not {text[:40]}.", limit=limit("ttl_seconds"))
    return seconds
