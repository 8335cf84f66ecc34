"""What a page of one namespace is asked for: the namespace there is, numbers and texts of the query string."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse

from botwire_site.console.rendering import render_page
from namespaces.browsing import namespace_of
from namespaces.errors import ActRefused, DatabaseTrouble, InvalidInput, Missing, Refusal
from namespaces.models import Namespace

NamespaceView = Callable[[HttpRequest, Namespace], HttpResponse]
_LONGEST_NUMBER = 18


def of_namespace(view: NamespaceView) -> Callable[..., HttpResponse]:
    """A view of the namespace that the address names; what is refused becomes a page that says so."""

    @wraps(view)
    def named(request: HttpRequest, namespace: str) -> HttpResponse:
        try:
            return view(request, namespace_of(namespace))
        except Refusal as refusal:
            return refused(request, refusal)

    return named


def refused(request: HttpRequest, refusal: Refusal) -> HttpResponse:
    """A page that says why there is nothing to see."""
    return render_page(request, "refused.html", {"refusal": refusal}, title="Not shown", status=status_of(refusal))


def status_of(refusal: Refusal | ActRefused) -> int:
    """The status of a page on which a refusal is told."""
    match refusal:
        case Missing():
            return 404
        case InvalidInput() | ActRefused():
            return 400
        case DatabaseTrouble():
            return 503
        case _:
            return 409


def number_of(request: HttpRequest, name: str) -> int | None:
    """A whole number of the query string; None where there is none, or something else."""
    return as_number(request.GET.get(name, ""))


def as_number(text: str) -> int | None:
    """A whole number that fits a revision; None for any other text."""
    is_number = text.isascii() and text.isdigit() and len(text) <= _LONGEST_NUMBER
    return int(text) if is_number else None


def context_of(namespace: Namespace, **more: Any) -> dict[str, Any]:
    """What every page of a namespace shows."""
    return {"namespace": namespace, "namespace_name": namespace.name, **more}
