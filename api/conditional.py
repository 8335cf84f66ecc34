"""Conditional requests (RFC 9110 section 13): entity tags to the domain's conditions. Evaluated by the domain alone."""

import re
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from api.refusals import RequestRefused
from namespaces.conditions import ABSENT, ALWAYS, PRESENT, Condition, at_version

# A version fits a signed 64-bit integer; 18 digits always do.
_VERSIONS = re.compile(r'[ \t]*"[0-9]{1,18}"[ \t]*(?:,[ \t]*"[0-9]{1,18}"[ \t]*)*')
_MOST_VERSIONS = 100


def condition_of(request: HttpRequest) -> Condition:
    """The condition of a write: `If-Match: *` or versions, or `If-None-Match: *`; ALWAYS where there is none."""
    match, none_match = request.headers.get("If-Match"), request.headers.get("If-None-Match")
    if match is not None and none_match is not None:
        raise RequestRefused("invalid_condition", "If-Match and If-None-Match cannot both hold for a write.")
    if none_match is not None:
        if none_match.strip() != "*":
            raise RequestRefused("invalid_condition", "If-None-Match of a write can only be *.")
        return ABSENT
    return ALWAYS if match is None else _matching(match)


def _matching(header: str) -> Condition:
    if header.strip() == "*":
        return PRESENT
    versions = re.findall(r"[0-9]+", header) if _VERSIONS.fullmatch(header) else []
    if not 0 < len(versions) <= _MOST_VERSIONS:
        raise RequestRefused("invalid_condition", 'If-Match is * or versions in double quotes, such as "17".')
    return at_version(*map(int, versions))


def without_length_of_304(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Middleware: the length of a 304 would be that of what is not sent (RFC 9110 section 8.6); Django says 0."""

    def answer(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        if response.status_code == 304:
            del response["Content-Length"]
        return response

    return answer


def names_tag(header: str, tag: str) -> bool:
    """Whether If-None-Match of a read names `tag`, by weak comparison (RFC 9110 section 13.1.2)."""
    return header.strip() == "*" or tag in [given.strip().removeprefix("W/") for given in header.split(",")]
