"""`/n/<namespace>/`: what is in a namespace, how much of its limits is used, and why an operator limits it.

Whoever knows the name may open the page, as with the API; it reads what the API reads, and counts it so.
"""

from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import content_disposition_header

from api.portability import export_response
from api.requests import namespace_of, parameters_of
from botwire_site.json_tree import tree_of
from botwire_site.visitors.frame import page, private, visitor_page
from namespaces import exporting, reading, tally
from namespaces.errors import KeyNotFound, NamespaceNotFound
from namespaces.models import Namespace
from namespaces.reading import Page, Remembered, State

KEYS_PER_PAGE = 100
RAW_CHARACTERS = 100_000


@dataclass(frozen=True, slots=True)
class Place:
    """Where on the page of a namespace a visitor is; each place is an address."""

    namespace: str
    prefix: str = ""
    cursor: str = ""
    key: str = ""

    def address(self, **changes: str) -> str:
        """The address of this place, or with `changes` of another one."""
        chosen = {"prefix": self.prefix, "cursor": self.cursor, "key": self.key, **changes}
        query = urlencode({name: value for name, value in chosen.items() if value}, quote_via=quote, safe="")
        path = f"/n/{self.namespace}/"  # what a name may be made of needs no escape; a page has a hundred of these
        return f"{path}?{query}" if query else path

    @property
    def api_address(self) -> str:
        return f"/memory/{self.namespace}/{quote(self.key, safe='')}"


@private
@visitor_page
def namespace_page(request: HttpRequest, namespace: str) -> HttpResponse:
    """The page of a namespace; of one that does not exist, how to make it; of a suspended one, the reason alone."""
    place = _place_of(request)
    try:
        state = reading.state(place.namespace)
    except NamespaceNotFound:
        return page(request, "unknown_namespace.html", {"place": place}, status=404)
    if state.status == Namespace.Status.SUSPENDED:
        return page(request, "suspended_namespace.html", {"state": state}, status=403)
    return _render(request, place, state)


def _place_of(request: HttpRequest) -> Place:
    return Place(namespace_of(request), **parameters_of(request, "prefix", "cursor", "key"))


def _render(request: HttpRequest, place: Place, state: State) -> HttpResponse:
    keys = reading.list_entries(place.namespace, prefix=place.prefix, cursor=place.cursor, most=KEYS_PER_PAGE)
    tally.count_read(place.namespace)
    entry, is_missing = _entry_at(place)
    context = {"state": state, "place": place, "entry": entry, "is_missing": is_missing}
    context |= {"writes_left": max(0, state.limits["writes_per_day"] - state.writes)}
    context |= _links(place, keys) | _value(entry)
    return page(request, "namespace.html", context, status=404 if is_missing else 200)


def _entry_at(place: Place) -> tuple[Remembered | None, bool]:
    """The entry that is asked for, if any, and whether it is not there."""
    if not place.key:
        return None, False
    try:
        entry = reading.get_entry(place.namespace, place.key)
    except KeyNotFound:
        return None, True
    tally.count_read(place.namespace)
    return entry, False


def _links(place: Place, keys: Page) -> dict[str, Any]:
    return {
        "keys": [(key, place.address(key=key)) for key in keys.keys],
        "first": place.address(cursor="", key="") if place.cursor else "",
        "following": place.address(cursor=keys.next_cursor, key="") if keys.next_cursor else "",
        "without_key": place.address(key=""),
        "export": f"{reverse('namespace-export', args=[place.namespace])}?{urlencode({'prefix': place.prefix})}",
    }


def _value(entry: Remembered | None) -> dict[str, Any]:
    if entry is None:
        return {}
    return {
        "tree": tree_of(entry.value),
        "raw": entry.value[:RAW_CHARACTERS],
        "raw_hidden": max(0, len(entry.value) - RAW_CHARACTERS),
    }


@private
@visitor_page
def export(request: HttpRequest, namespace: str) -> HttpResponseBase:
    """Every entry under a prefix, to be kept as a file: what the API exports."""
    name, parameters = namespace_of(request), parameters_of(request, "prefix")
    answer = export_response(exporting.begin(name, parameters.get("prefix", "")))
    tally.count_read(name)
    answer["Content-Disposition"] = content_disposition_header(True, f"{name}.ndjson")
    return answer


@private
@visitor_page
def with_slash(request: HttpRequest, namespace: str) -> HttpResponse:
    """`/n/<namespace>` leads to the page, whose address ends in a slash."""
    return redirect("namespace-page", namespace_of(request))
