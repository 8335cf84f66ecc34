"""`/admin/`, where an operator begins, and the jump from a name or an address to what it belongs to."""

import ipaddress
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from botwire_site.console.access import VIEW, Page, operator_page
from botwire_site.console.rendering import render_page
from namespaces import overview as domain

TOP = ("writes", "bytes", "growth", "newest")


@operator_page(VIEW)
def overview(request: HttpRequest) -> HttpResponse:
    """What the service does at this moment, and who needs attention."""
    top = domain.top(TOP)
    context = {
        "glance": domain.glance(),
        "top": top,
        "siblings": domain.siblings_of(row.created_from for row in top["newest"]),
        "actions": domain.last_actions(),
        "server": request.build_absolute_uri("/").rstrip("/"),
    }
    return render_page(request, "overview.html", context, title="Overview")


@operator_page(VIEW)
def jump(request: HttpRequest) -> HttpResponse:
    """To the namespace of exactly this name; else to the list by client address, or by prefix."""
    to = request.GET.get("to", "").strip()
    if domain.get(to):
        return HttpResponseRedirect(reverse("admin:namespace", args=[to]))
    address = address_of(to)
    chosen = {"address": address} if address else {"prefix": to} if to else {}
    return HttpResponseRedirect(f"{reverse('admin:namespaces')}?{urlencode(chosen)}".rstrip("?"))


def address_of(text: str) -> str:
    """A client address as it is stored, whatever way it is written; empty where it is none."""
    try:
        return str(ipaddress.ip_address(text.strip("[]")))
    except ValueError:
        return ""


PAGES = [Page("", overview, "index"), Page("jump/", jump, "jump")]
