"""`/`: what BotWire is, how to begin, the limits of this server, and a playground on its API; `/n/`; `/robots.txt`."""

import secrets

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from api.access import check_address
from botwire_site.visitors.frame import page, private, visitor_page
from namespaces.limits import LIMITS, limit
from namespaces.names import check_namespace

ROBOTS = """\
User-agent: *
Disallow: /admin/
Disallow: /memory/
Disallow: /n/
Disallow: /namespaces/
"""


@visitor_page
def home(request: HttpRequest) -> HttpResponse:
    """What BotWire is. Its examples name a namespace that nobody has, so that those who try them do not meet."""
    limits = [(limit(row.name), row) for row in LIMITS]
    return page(request, "home.html", {"limits": limits, "namespace": f"team-{secrets.token_hex(4)}"})


@private
@visitor_page
def find(request: HttpRequest) -> HttpResponse:
    """`/n/`: asks which namespace, and leads to its page."""
    check_address(request)
    name = request.GET.get("namespace", "").strip()
    return redirect("namespace-page", check_namespace(name)) if name else page(request, "find.html", {})


@visitor_page
def robots(request: HttpRequest) -> HttpResponse:
    """What search engines leave alone."""
    return HttpResponse(ROBOTS, content_type="text/plain")
