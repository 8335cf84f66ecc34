"""Which requests the lane answers, and what they say. What it is not sure of is Django's; nothing is refused here."""

from dataclasses import dataclass

from django.http import Http404

from api.access import token_in
from api.bodies import FRAME_BYTES, SetBody, check_type, parsed
from api.lane.body import Body, PlainHeaders, Scope
from api.requests import key_in, namespace_in, page_limit_of, parameters_in, path_of_target, searchable, writer_in
from namespaces.errors import Refusal
from namespaces.names import check_prefix
from namespaces.reading import key_of_cursor
from namespaces.tokens import check_token, has_token

# A larger body takes so long to check that it should not hold up the loop; a thread is as good for it.
LARGEST_BODY = 65_536 + FRAME_BYTES
# A longer page holds up the loop, too: 1,000 keys take half a millisecond.
LONGEST_PAGE = 1_000

# Headers that change an answer, and which only Django and the views know how to read.
_OF_DJANGO = {
    b"access-control-request-headers",
    b"access-control-request-method",
    b"access-control-request-private-network",
    b"content-encoding",
    b"cookie",
    b"expect",
    b"idempotency-key",
    b"if-match",
    b"origin",
    b"transfer-encoding",
    b"upgrade",
    b"x-botwire-lease",
}
# Headers that the lane reads itself; a doubled one is Django's.
_OF_LANE = {
    b"authorization",
    b"content-length",
    b"content-type",
    b"host",
    b"if-none-match",
    b"x-botwire-agent",
    b"x-forwarded-proto",
}


@dataclass(frozen=True, slots=True)
class MemoryRequest:
    """A request for one entry."""

    method: str
    namespace: str
    key: str
    headers: PlainHeaders

    @property
    def token(self) -> str:
        """The token that is shown; empty without one. Raises InvalidToken."""
        return shown_token(self.headers)

    @property
    def writer(self) -> str:
        """The name in X-BotWire-Agent."""
        return writer_in(self.headers.get(b"x-botwire-agent", ""))


def shown_token(headers: PlainHeaders) -> str:
    """The token that the headers show; empty without one. Raises InvalidToken."""
    token = token_in(headers.get(b"authorization", ""))
    return check_token(token) if token else ""


def plain_headers_of(scope: Scope) -> PlainHeaders | None:
    """The headers that the lane reads; None if there is one that only Django knows how to read."""
    headers: PlainHeaders = {}
    for name, value in scope["headers"]:
        if name in _OF_LANE:
            if name in headers:
                return None
            headers[name] = value.decode("latin-1")
        elif name in _OF_DJANGO:
            return None
    return headers


def memory_request_of(scope: Scope, headers: PlainHeaders) -> MemoryRequest | None:
    """The request, if it is one for an entry that the lane may be able to answer."""
    method, raw_path = scope["method"], scope["raw_path"]
    if not raw_path.startswith(b"/memory/") or scope["query_string"] or not _has_fitting_headers(method, headers):
        return None
    path = path_of_target(raw_path.decode("latin-1"))
    try:
        namespace, key = namespace_in(path), key_in(path)
    except (Refusal, Http404):
        return None
    return None if has_token(namespace) or has_token(key) else MemoryRequest(method, namespace, key, headers)


@dataclass(frozen=True, slots=True)
class KeysRequest:
    """A request for a page of keys, of up to LONGEST_PAGE; see MemoryRequest for what they share."""

    namespace: str
    prefix: str
    after: str
    most: int
    headers: PlainHeaders
    method: str = "GET"
    writer: str = ""

    @property
    def token(self) -> str:
        """The token that is shown; empty without one. Raises InvalidToken."""
        return shown_token(self.headers)


def keys_request_of(scope: Scope, headers: PlainHeaders) -> KeysRequest | None:
    """The request, if it is one for keys, without their values, that the lane may be able to answer."""
    raw_path, raw_query = scope["raw_path"], scope["query_string"]
    if scope["method"] != "GET" or not raw_path.startswith(b"/memory/") or headers.get(b"content-length", "0") != "0":
        return None
    path, query = path_of_target(raw_path.decode("latin-1")), raw_query.decode("latin-1")
    if path.count("/") != 2 or has_token(searchable(f"{path}?{query}")):
        return None
    try:
        parameters = parameters_in(query, "prefix", "cursor", "limit")
        most = page_limit_of(parameters)
        prefix, after = check_prefix(parameters.get("prefix", "")), key_of_cursor(parameters.get("cursor", ""))
        return KeysRequest(namespace_in(path), prefix, after, most, headers) if most <= LONGEST_PAGE else None
    except (Refusal, Http404):
        return None


def _has_fitting_headers(method: str, headers: PlainHeaders) -> bool:
    length = headers.get(b"content-length", "0")
    match method:
        case "GET":
            return length == "0"
        case "PUT":
            is_number = length.isascii() and length.isdigit() and len(length) < 10
            return b"if-none-match" not in headers and is_number and int(length) <= LARGEST_BODY
        case "DELETE":
            return b"if-none-match" not in headers and length == "0"
        case _:
            return False


async def set_body_of(request: MemoryRequest, body: Body) -> SetBody | None:
    """What a set says; None if its body is not one, or did not come whole."""
    await body.gather(LARGEST_BODY)
    given = body.all_held()
    if not body.is_whole or len(given) != int(request.headers.get(b"content-length", "0")):
        return None
    try:
        check_type(request.headers.get(b"content-type", ""))
        return parsed(given)
    except Refusal:
        return None
