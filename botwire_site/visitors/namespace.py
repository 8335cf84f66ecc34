"""`/n/<namespace>/`: what is in a namespace, how much of its limits is used, and why an operator limits it.

Who may see what is judged as for the API (`botwire_site.visitors.visits`); the page reads what the API reads, and
counts it so. A key is shown with its versions, any of which can be looked at, and restored.
"""

from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import content_disposition_header

from api.portability import export_response
from api.problems import PROBLEMS
from api.refusals import RequestRefused
from api.requests import namespace_of, parameters_of
from botwire_site.json_tree import tree_of
from botwire_site.visitors.frame import page, private, visitor_page
from botwire_site.visitors.visits import Visit, visited, visited_form
from namespaces import exporting, history, reading, restoring, tally
from namespaces.errors import KeyNotFound, Refusal, VersionNotFound
from namespaces.history import Version, Versions
from namespaces.reading import Page, Remembered

KEYS_PER_PAGE = 100
RAW_CHARACTERS = 100_000


DONE = {"restored": "The version is restored: the key is set to it anew."}


@dataclass(frozen=True, slots=True)
class Place:
    """Where on the page of a namespace a visitor is; each place is an address.

    `version` is the one of the key that is looked at, empty for the entry; its versions are listed from `before` on.
    """

    namespace: str
    prefix: str = ""
    cursor: str = ""
    key: str = ""
    version: str = ""
    before: str = ""

    def address(self, **changes: str) -> str:
        """The address of this place, or with `changes` of another one."""
        chosen = {name: getattr(self, name) for name in _WHERE} | changes
        query = urlencode({name: value for name, value in chosen.items() if value}, quote_via=quote, safe="")
        path = f"/n/{self.namespace}/"  # what a name may be made of needs no escape; a page has a hundred of these
        return f"{path}?{query}" if query else path

    def of_key(self, key: str, **changes: str) -> str:
        """The address of a key beside the same list."""
        return self.address(key=key, **{"version": "", "before": "", **changes})

    @property
    def api_address(self) -> str:
        version = f"?version={self.version}" if self.version else ""
        return f"/memory/{self.namespace}/{quote(self.key, safe='')}{version}"


_WHERE = ("prefix", "cursor", "key", "version", "before")


@dataclass(frozen=True, slots=True)
class Shown:
    """What is under the key that a visitor looks at: the entry, or one of its versions; neither, if it is not there."""

    entry: Remembered | None = None
    version: Version | None = None

    @property
    def value(self) -> str | None:
        found = self.version or self.entry
        return found.value if found else None


@visited
def namespace_page(request: HttpRequest, visit: Visit) -> HttpResponse:
    """The page of a namespace, at a place in it; of one that is not there for the visitor, how to come in."""
    parameters = parameters_of(request, *_WHERE, "done")
    done = DONE.get(parameters.pop("done", ""), "")
    return _render(request, visit, Place(visit.namespace, **parameters), done=done)


@visited_form
def restore(request: HttpRequest, visit: Visit) -> HttpResponse:
    """Set a key to what one of its versions was, and show it; or say why not."""
    key, version = request.POST.get("key", ""), request.POST.get("version", "")
    place = Place(visit.namespace, key=key)
    if request.method != "POST":
        return redirect("namespace-page", visit.namespace)
    try:
        restoring.restore(visit.namespace, key, _number_in("version", version) or 0, caller=visit.caller)
    except Refusal as refusal:
        return _render(request, visit, place, refusal=refusal)
    return HttpResponseRedirect(f"{place.address()}&done=restored", status=303)


def _render(
    request: HttpRequest, visit: Visit, place: Place, *, done: str = "", refusal: Refusal | None = None
) -> HttpResponse:
    state = visit.state
    assert state is not None, "who sees no namespace sees no page of it"
    choices = visit.prefixes
    is_listed = not choices or place.prefix.startswith(tuple(choices))
    shown = _shown_at(visit, place)
    context = {"visit": visit, "state": state, "place": place, "shown": shown, "done": done, "refusal": refusal}
    context |= {"writes_left": max(0, state.limits["writes_per_day"] - state.writes)}
    context |= {"choices": [(prefix, Place(place.namespace, prefix).address()) for prefix in choices]}
    context |= _keys(visit, place) if is_listed else {"is_listed": False}
    context |= _value(shown) | _versions(visit, place)
    is_missing = bool(place.key) and shown.value is None
    status = PROBLEMS[refusal.code].status if refusal else 404 if is_missing else 200
    return page(request, "namespace.html", context, status=status)


def _shown_at(visit: Visit, place: Place) -> Shown:
    if not place.key:
        return Shown()
    try:
        if place.version:
            number = _number_in("version", place.version) or 0
            past = history.past_of(place.namespace, place.key, number, caller=visit.caller)
            return Shown(version=past.version)
        entry = reading.get_entry(place.namespace, place.key, caller=visit.caller)
    except (KeyNotFound, VersionNotFound):
        return Shown()
    tally.count_read(place.namespace)
    return Shown(entry)


def _keys(visit: Visit, place: Place) -> dict[str, Any]:
    keys = reading.list_entries(
        place.namespace, prefix=place.prefix, cursor=place.cursor, most=KEYS_PER_PAGE, caller=visit.caller
    )
    tally.count_read(place.namespace)
    return _links(place, keys) | {"is_listed": True}


def _links(place: Place, keys: Page) -> dict[str, Any]:
    return {
        "keys": [(key, place.of_key(key)) for key in keys.keys],
        "first": place.of_key("", cursor="") if place.cursor else "",
        "following": place.of_key("", cursor=keys.next_cursor) if keys.next_cursor else "",
        "export": f"{reverse('namespace-export', args=[place.namespace])}?{urlencode({'prefix': place.prefix})}",
    }


def _value(shown: Shown) -> dict[str, Any]:
    if shown.value is None:
        return {}
    return {
        "tree": tree_of(shown.value),
        "raw": shown.value[:RAW_CHARACTERS],
        "raw_hidden": max(0, len(shown.value) - RAW_CHARACTERS),
    }


def _versions(visit: Visit, place: Place) -> dict[str, Any]:
    if not place.key:
        return {}
    before = _number_in("before", place.before)
    found: Versions = history.history_of(place.namespace, place.key, before=before, caller=visit.caller)
    rows = [(version, place.of_key(place.key, version=str(version.version))) for version in found.versions]
    older = place.address(before=str(found.next_before)) if found.next_before else ""
    return {
        "versions": rows,
        "older": older,
        "newest": place.of_key(place.key),
        "without_key": place.of_key(""),
        "may_restore": visit.may_write(place.key),
    }


def _number_in(name: str, text: str) -> int | None:
    """A revision in a parameter; None where it is not given."""
    if text and not (text.isascii() and text.isdigit() and len(text) <= 18):
        raise RequestRefused("invalid_parameter", f"{name} is a revision, a whole number.", parameter=name)
    return int(text) if text else None


@visited
def export(request: HttpRequest, visit: Visit) -> HttpResponseBase:
    """Every entry under a prefix, to be kept as a file: what the API exports."""
    parameters = parameters_of(request, "prefix")
    answer = export_response(exporting.begin(visit.namespace, parameters.get("prefix", ""), caller=visit.caller))
    tally.count_read(visit.namespace)
    answer["Content-Disposition"] = content_disposition_header(True, f"{visit.namespace}.ndjson")
    return answer


@private
@visitor_page
def with_slash(request: HttpRequest, namespace: str) -> HttpResponse:
    """`/n/<namespace>` leads to the page, whose address ends in a slash."""
    return redirect("namespace-page", namespace_of(request))
