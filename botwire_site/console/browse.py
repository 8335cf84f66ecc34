"""`/admin/namespaces/<namespace>/browse/`: the keys as a tree and as a list. Each state is an address."""

from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse

from botwire_site.console.access import VIEW, Page, operator_page
from botwire_site.console.asking import context_of, of_namespace
from botwire_site.console.rendering import render_page
from namespaces import browsing
from namespaces.browsing import SEPARATORS
from namespaces.models import Namespace


@dataclass(frozen=True, slots=True)
class Crumb:
    """One step of the way to a prefix: what it adds, and where it leads."""

    text: str
    prefix: str


@operator_page(VIEW)
@of_namespace
def browse(request: HttpRequest, namespace: Namespace) -> HttpResponse:
    """Folders and keys under `?prefix=`; the keys behind `?after=`, the folders behind `?folders_after=`."""
    prefix, after = request.GET.get("prefix", ""), request.GET.get("after", "")
    folders_after = request.GET.get("folders_after", "")
    found = context_of(
        namespace,
        prefix=prefix,
        after=after,
        folders_after=folders_after,
        crumbs=crumbs_of(prefix),
        folders=browsing.folders(namespace.name, prefix, after=folders_after),
        rows=browsing.rows(namespace.name, prefix, after=after),
        counted=browsing.COUNTED,
    )
    return render_page(request, "browse.html", found, title=f"Browse {namespace.name}")


def crumbs_of(prefix: str) -> list[Crumb]:
    """The way from all keys to those under `prefix`, a segment a step."""
    crumbs, start = [], 0
    for position, character in enumerate(prefix, 1):
        if character in SEPARATORS or position == len(prefix):
            crumbs.append(Crumb(prefix[start:position], prefix[:position]))
            start = position
    return crumbs


PAGES = [Page("namespaces/<str:namespace>/browse/", browse, "browse")]
