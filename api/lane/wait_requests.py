"""Which requests the lane holds, and what they wait for. What it is not sure of is Django's; it refuses nothing."""

from collections.abc import Collection
from dataclasses import dataclass

from django.http import Http404

from api.lane.body import PlainHeaders, Scope
from api.lane.requests import shown_token
from api.requests import (
    address_in,
    by_of,
    key_in,
    lease_name_in,
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
from namespaces.tokens import has_token

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


@dataclass(frozen=True, slots=True)
class LeaseWait:
    """POST /namespaces/{namespace}/leases/{name}?wait=, or .../claims?wait=, of which the body is still to come."""

    namespace: str
    address: str
    headers: PlainHeaders
    token: str
    name: str | None
    seconds: int
    told_as: str = ""


WaitRequest = EntryWait | ChangesWait


def wait_request_of(scope: Scope) -> WaitRequest | None:
    """The request, if it is one that is to be held."""
    if scope["method"] != "GET" or not (b"wait=" in scope["query_string"] or scope["raw_path"].endswith(b"/changes")):
        return None
    headers = _headers_of(scope)
    if headers is None or headers.get(b"content-length", "0") != "0":
        return None
    path, query, address = _path_of(scope), scope["query_string"].decode("latin-1"), _address_of(scope, headers)
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


def lease_wait_of(scope: Scope) -> LeaseWait | None:
    """The request, if it is one for a lease, or a claim, that may have to be held."""
    if scope["method"] != "POST" or b"wait=" not in scope["query_string"]:
        return None
    headers, path = _headers_of(scope, ()), _path_of(scope)
    segments = path.split("/", 4)
    query = scope["query_string"].decode("latin-1")
    if headers is None or segments[1] != "namespaces" or has_token(searchable(f"{path}?{query}")):
        return None
    try:
        is_lease = segments[3:4] == ["leases"]
        if not is_lease and segments[3:] != ["claims"]:
            return None
        seconds = wait_of(parameters_in(query, "wait"))
        if not seconds:
            return None
        name = lease_name_in(path) if is_lease else None
        address, token = _address_of(scope, headers), shown_token(headers)
        return LeaseWait(namespace_in(path), address, headers, token, name, seconds)
    except (Refusal, Http404):
        return None


def _path_of(scope: Scope) -> str:
    return path_of_target(scope["raw_path"].decode("latin-1"))


def _address_of(scope: Scope, headers: PlainHeaders) -> str:
    connection = scope.get("client") or ("", 0)
    return network_of(address_in(str(connection[0]), headers.get(b"x-forwarded-for", "")))


def _entry_wait(path: str, query: str, headers: PlainHeaders, address: str) -> EntryWait | None:
    awaited = awaited_in(parameters_in(query, "wait", "equals"), headers.get(b"if-none-match"))
    if awaited is None:
        return None
    return EntryWait(namespace_in(path), address, headers, shown_token(headers), key_in(path), awaited)


def _changes_wait(path: str, query: str, headers: PlainHeaders, address: str) -> ChangesWait | None:
    parameters = parameters_in(query, "since", "prefix", "limit", "wait", "writer", "verified")
    seconds, is_stream = wait_of(parameters), wants_stream(headers.get(b"accept", ""))
    if seconds is None and not is_stream:
        return None
    return ChangesWait(
        namespace=namespace_in(path),
        address=address,
        headers=headers,
        token=shown_token(headers),
        since=since_of(parameters, headers.get(b"last-event-id", "") if is_stream else ""),
        prefix=check_prefix(parameters.get("prefix", "")),
        by=by_of(parameters),
        most=page_limit_of(parameters),
        seconds=seconds or 0,
        is_stream=is_stream,
    )


def _headers_of(scope: Scope, of_django: Collection[bytes] = _OF_DJANGO) -> PlainHeaders | None:
    headers: PlainHeaders = {}
    for name, value in scope["headers"]:
        if name in of_django:
            return None
        if name in _READ:
            text = value.decode("latin-1")
            if name == b"x-forwarded-for" and name in headers:
                text = f"{headers.pop(name)},{text}"
            if name in headers:
                return None
            headers[name] = text
    return headers
