"""Which requests the lane holds, and what they wait for. What it is not sure of is Django's; it refuses nothing."""

from dataclasses import dataclass

from django.http import Http404

from api.access import token_in
from api.lane.body import Scope
from api.lane.requests import PlainHeaders
from api.requests import (
    address_in,
    by_of,
    key_in,
    namespace_in,
    network_of,
    page_limit_of,
    parameters_in,
    path_of_target,
    searchable,
    since_of,
    wait_of,
    wants_stream,
)
from api.waits import Awaited, awaited_in
from namespaces.callers import NOBODY, Caller
from namespaces.changes import By
from namespaces.errors import Refusal
from namespaces.names import check_prefix
from namespaces.tokens import check_token, has_token

# A browser sends Origin and Cookie with what it reads in the background; the first decides headers only, and no answer
# to what is held here ever looked at the second.
_READ = {
    b"accept",
    b"authorization",
    b"content-length",
    b"host",
    b"if-none-match",
    b"last-event-id",
    b"origin",
    b"x-forwarded-for",
    b"x-forwarded-proto",
}
_OF_DJANGO = {b"content-encoding", b"expect", b"if-match", b"transfer-encoding", b"upgrade"}


@dataclass(frozen=True, slots=True)
class EntryWait:
    """GET /memory/{namespace}/{key}?wait=

    `namespace` is the one to ask for, `told_as` the name of the one that was asked for, if that is another one, see
    `api.access`; and `reads` is the beginning of the keys that it concerns.
    """

    namespace: str
    address: str
    headers: PlainHeaders
    token: str
    key: str
    awaited: Awaited
    told_as: str = ""
    caller: Caller = NOBODY

    @property
    def reads(self) -> str:
        return self.key


@dataclass(frozen=True, slots=True)
class ChangesWait:
    """GET /namespaces/{namespace}/changes?wait=, or as a stream of events, which has no end of its own."""

    namespace: str
    address: str
    headers: PlainHeaders
    token: str
    since: int
    prefix: str
    by: By
    most: int
    seconds: int
    is_stream: bool
    told_as: str = ""
    caller: Caller = NOBODY

    @property
    def reads(self) -> str:
        return self.prefix


WaitRequest = EntryWait | ChangesWait


def wait_request_of(scope: Scope) -> WaitRequest | None:
    """The request, if it is one that is to be held."""
    if scope["method"] != "GET" or not (b"wait=" in scope["query_string"] or scope["raw_path"].endswith(b"/changes")):
        return None
    headers = _headers_of(scope)
    if headers is None or headers.get(b"content-length", "0") != "0":
        return None
    path = path_of_target(scope["raw_path"].decode("latin-1"))
    query = scope["query_string"].decode("latin-1")
    connection = scope.get("client") or ("", 0)
    address = network_of(address_in(str(connection[0]), headers.get(b"x-forwarded-for", "")))
    if has_token(searchable(f"{path}?{query}")):
        return None
    try:
        if path.startswith("/memory/"):
            return _entry_wait(path, query, headers, address)
        if path.startswith("/namespaces/") and path.split("/", 3)[3:] == ["changes"]:
            return _changes_wait(path, query, headers, address)
    except (Refusal, Http404):
        pass
    return None


def _entry_wait(path: str, query: str, headers: PlainHeaders, address: str) -> EntryWait | None:
    awaited = awaited_in(parameters_in(query, "wait", "equals"), headers.get(b"if-none-match"))
    if awaited is None:
        return None
    return EntryWait(namespace_in(path), address, headers, _token_in(headers), key_in(path), awaited)


def _changes_wait(path: str, query: str, headers: PlainHeaders, address: str) -> ChangesWait | None:
    parameters = parameters_in(query, "since", "prefix", "limit", "wait", "writer", "verified")
    seconds, is_stream = wait_of(parameters), wants_stream(headers.get(b"accept", ""))
    if seconds is None and not is_stream:
        return None
    return ChangesWait(
        namespace=namespace_in(path),
        address=address,
        headers=headers,
        token=_token_in(headers),
        since=since_of(parameters, headers.get(b"last-event-id", "") if is_stream else ""),
        prefix=check_prefix(parameters.get("prefix", "")),
        by=by_of(parameters),
        most=page_limit_of(parameters),
        seconds=seconds or 0,
        is_stream=is_stream,
    )


def _token_in(headers: PlainHeaders) -> str:
    token = token_in(headers.get(b"authorization", ""))
    return check_token(token) if token else ""


def _headers_of(scope: Scope) -> PlainHeaders | None:
    headers: PlainHeaders = {}
    for name, value in scope["headers"]:
        if name in _OF_DJANGO:
            return None
        if name in _READ:
            text = value.decode("latin-1")
            if name == b"x-forwarded-for" and name in headers:
                text = f"{headers.pop(name)},{text}"
            if name in headers:
                return None
            headers[name] = text
    return headers
