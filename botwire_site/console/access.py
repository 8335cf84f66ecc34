"""Which operator may open and do what. A migration of `namespaces` makes the roles that grant these permissions."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponseBase, HttpResponseNotAllowed

from botwire_site import people
from namespaces.errors import DatabaseTrouble

View = Callable[..., HttpResponseBase]

VIEW = "namespaces.view_namespace"
MODERATE = "namespaces.moderate_namespace"
PURGE = "namespaces.purge_namespace"


@dataclass(frozen=True, slots=True)
class Page:
    """One address below /admin/: its path, the view behind it, and the name it is reversed by (`admin:<name>`)."""

    path: str
    view: View
    name: str


def operator_page(permission: str, *, to_post: str | None = None) -> Callable[[View], View]:
    """A view that needs `permission` to be opened and `to_post` to be posted to; without `to_post` it takes no POST.

    Signing in, and the second factor, are asked for before, by the admin site itself.
    """

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if request.method in ("GET", "HEAD"):
                _require(request, permission)
            elif request.method == "POST" and to_post:
                _require(request, to_post)
            else:
                return HttpResponseNotAllowed(["GET", "HEAD", *(["POST"] if to_post else [])])
            try:
                return view(request, *args, **kwargs)
            except DatabaseTrouble as trouble:
                return people.unavailable(trouble)

        return guarded

    return decorate


def operator_name(request: HttpRequest) -> str:
    """The name under which what this operator does is logged."""
    return request.user.get_username()


def _require(request: HttpRequest, permission: str) -> None:
    if not request.user.has_perm(permission):
        raise PermissionDenied
