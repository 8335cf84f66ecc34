"""How the visitors' pages are answered: in the site's frame, refusals and faults included. The API has an envelope."""

import sys
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.db import Error
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.template.loader import render_to_string

from api import problems
from api.problems import PROBLEMS, safe_only
from api.refusals import RequestRefused
from namespaces.database import trouble_of
from namespaces.errors import Refusal

View = Callable[..., HttpResponseBase]

# What programs ask: they get problem documents, whatever they say they accept.
_API = ("/memory/", "/namespaces/", "/api/", "/healthz", "/readyz")
# Other sites are told of no address. This one is, else browsers send its forms with `Origin: null`, which Django takes
# for another site's.
_PRIVATE = {"Cache-Control": "no-store", "X-Robots-Tag": "noindex, nofollow", "Referrer-Policy": "same-origin"}


def visitor_page(view: View) -> View:
    """A page that can only be read, and whose refusals are pages, too."""

    @safe_only
    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        try:
            return view(request, *args, **kwargs)
        except Refusal as refusal:
            return refusal_page(request, refusal)

    return guarded


def visitor_form(view: View) -> View:
    """A page that can be posted to, too; what is posted needs the CSRF token that its form has."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        try:
            if request.method not in ("GET", "HEAD", "POST"):
                allowed = ["GET", "HEAD", "POST"]
                raise RequestRefused("method_not_allowed", f'Method "{request.method}" not allowed.', allowed=allowed)
            return view(request, *args, **kwargs)
        except Refusal as refusal:
            return refusal_page(request, refusal)

    return guarded


def private(view: View) -> View:
    """A view whose answers nobody keeps, indexes, or is told of as a referrer."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        response = view(request, *args, **kwargs)
        for name, value in _PRIVATE.items():
            response[name] = value
        return response

    return guarded


def refusal_page(request: HttpRequest, refusal: Refusal) -> HttpResponse:
    """A refusal in words: what was refused, why, what to do next. It says the same as the API's problem document."""
    problem = PROBLEMS[refusal.code]
    context = {"problem": problem, "detail": str(refusal), "code": refusal.code, "again": request.get_full_path()}
    response = HttpResponse(render_to_string("visitors/problem.html", context), status=problem.status)
    response["Cache-Control"] = "no-store"
    if "retry_after" in refusal.facts:
        response["Retry-After"] = str(refusal.facts["retry_after"])
    return response


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's handler404: a page for people, the API's problem document for programs."""
    if not _is_person(request):
        return problems.not_found(request, exception)
    return refusal_page(request, RequestRefused("path_not_found", "There is nothing at this address."))


def server_error(request: HttpRequest) -> HttpResponse:
    """Django's handler500, likewise. A database that does not answer is no error of ours, wherever it was asked."""
    if not _is_person(request):
        return problems.server_error(request)
    error = sys.exc_info()[1]
    trouble = trouble_of(error) if isinstance(error, Error) else None
    return refusal_page(request, trouble or RequestRefused("internal_error", "Something went wrong on our side."))


def _is_person(request: HttpRequest) -> bool:
    """Whether a browser asks for a page: those say that they accept HTML."""
    return "text/html" in request.headers.get("Accept", "") and not request.path.startswith(_API)


def here(request: HttpRequest) -> str:
    """The address of this server as the visitor knows it, without a slash at its end."""
    return f"{request.scheme}://{request.get_host()}"


def page(request: HttpRequest, template: str, context: dict[str, Any], *, status: int = 200) -> HttpResponse:
    """The page `visitors/<template>`; `here` is in its context."""
    return render(request, f"visitors/{template}", {"here": here(request), **context}, status=status)
