"""Below /admin/ and /account/ an error is a page of the operators'; elsewhere it is `botwire_site.visitors.frame`'s.

Each page says what happened and what to do next; it asks neither the database nor the session.
"""

import logging
import sys
from collections.abc import Callable

from django.core.exceptions import PermissionDenied
from django.db import Error
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.template.loader import render_to_string

from api import problems
from api.brakes import cache_errors
from botwire_site.visitors import frame
from namespaces.database import trouble_of
from namespaces.errors import DatabaseTrouble, DiskFull

PLACES = ("/admin", "/account")
logger = logging.getLogger("botwire.people")


def origin_for_forms(get_response: Callable[[HttpRequest], HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """Middleware: pages with forms tell this site, and no other, where they come from.

    Under the API's `no-referrer` browsers send a form with `Origin: null`, which Django takes for another site's.
    """

    def middleware(request: HttpRequest) -> HttpResponseBase:
        response = get_response(request)
        if _is_for_people(request):
            response["Referrer-Policy"] = "same-origin"
        return response

    return middleware


def forbidden(request: HttpRequest, exception: PermissionDenied) -> HttpResponse:
    """Django's handler403."""
    if not _is_for_people(request):
        return problems.forbidden(request, exception)
    return _page(403, "Not for your role", "Your account may not do this. An administrator can give it another role.")


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's handler404."""
    if not _is_for_people(request):
        return frame.not_found(request, exception)
    return _page(404, "Nothing here", "There is no page at this address; it may have gone, or been mistyped.")


def server_error(request: HttpRequest) -> HttpResponse:
    """Django's handler500."""
    if not _is_for_people(request):
        return frame.server_error(request)
    error = sys.exc_info()[1]
    if isinstance(error, cache_errors()) or (isinstance(error, Error) and trouble_of(error)):
        return unavailable()
    return _page(500, "Something went wrong", "This is our fault, and it is in the server's log. Try again.")


def unavailable(trouble: DatabaseTrouble | None = None) -> HttpResponse:
    """The database's trouble as a page: what could not be read is never shown as empty."""
    if isinstance(trouble, DiskFull):
        return _page(507, "The disk is full", str(trouble))
    page = _page(503, "Not available now", "The database does not answer. Nothing is shown rather than half of it.")
    page["Retry-After"] = "1"
    return page


def too_many_requests(request: HttpRequest) -> HttpResponse:
    """django-allauth's handler429: too many attempts from one address."""
    page = _page(429, "Too many attempts", "Wait a minute, then try again.")
    page["Retry-After"] = "60"
    return page


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Django's view for a form whose token is not that of the session."""
    logger.info("a form was refused: %s", reason)
    return _page(403, "The form is out of date", "Go back, load the page again, and send it once more.")


def _is_for_people(request: HttpRequest) -> bool:
    return any(request.path == place or request.path.startswith(f"{place}/") for place in PLACES)


def _page(status: int, title: str, advice: str) -> HttpResponse:
    body = render_to_string("error.html", {"status": status, "title": title, "advice": advice})
    return HttpResponse(body, status=status, headers={"Cache-Control": "no-store"})
