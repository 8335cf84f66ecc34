"""The few pages for people that need no account. They read the tables of limits and codes; they repeat no number."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from api.problems import PROBLEMS, safe_only
from namespaces.limits import LIMITS, limit


@safe_only
def home(request: HttpRequest) -> HttpResponse:
    """What BotWire is, how to begin, and the limits of this server."""
    limits = [(limit(row.name), row.sentence) for row in LIMITS]
    return render(request, "home.html", {"limits": limits, "here": f"{request.scheme}://{request.get_host()}"})


@safe_only
def error_codes(request: HttpRequest) -> HttpResponse:
    """Every error code, each with an anchor: the address that a problem's `type` names."""
    return render(request, "error_codes.html", {"problems": PROBLEMS.items()})
