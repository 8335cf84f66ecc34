"""Who visits the pages of a namespace: anyone, or the bearer of a token, which was exchanged for a cookie.

The cookie has the token's digest, signed for one namespace, and is sent to its pages alone. What it lets do is asked of
`namespaces.access` at each request, so that it ends with the token. To others, what is private is not there: each page
of it is the one of a namespace that does not exist.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial, wraps
from typing import Any

from django.core import signing
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.urls import reverse

from api.access import check_address
from api.brakes import creation_brake
from api.problems import PROBLEMS
from api.requests import address_of, namespace_of
from botwire_site.visitors.frame import View, page, private, refusal_page, visitor_form, visitor_page
from namespaces import access, reading, tally
from namespaces.callers import Bearer, Caller
from namespaces.errors import NamespaceNotFound, Refusal
from namespaces.models import Namespace
from namespaces.reading import State

COOKIE = "botwire_visit"
LASTS = timedelta(hours=12)


@dataclass(frozen=True, slots=True)
class Visit:
    """Who visits which namespace. `state` is None where there is none for them to see.

    `is_over` tells that their cookie lets nobody in any more.
    """

    namespace: str
    caller: Caller
    state: State | None
    is_over: bool = False

    @property
    def token(self) -> Bearer | None:
        return self.caller.token

    @property
    def is_admin(self) -> bool:
        """Whether they may do what is for admin tokens alone; in an open namespace everyone may."""
        return self.token is None or self.token.is_admin

    def may_write(self, key: str) -> bool:
        return self.token is None or self.token.writes(key)

    @property
    def prefixes(self) -> list[str]:
        """The beginnings of the keys that they may read; none where they may read all."""
        if self.token is None or self.token.reads(""):
            return []
        return list(dict.fromkeys((*self.token.read, *self.token.write)))


NamespaceView = Callable[[HttpRequest, Visit], HttpResponseBase]


def visited(view: NamespaceView, guard: Callable[[View], View] = visitor_page) -> View:
    """A page of a namespace that can only be read, for whom there is one; for others that of an unknown namespace."""

    @private
    @guard
    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        visit = visit_of(request)
        if visit.state is None:
            return unknown_page(request, visit)
        if visit.state.status == Namespace.Status.SUSPENDED:
            return page(request, "suspended_namespace.html", {"state": visit.state}, status=403)
        return view(request, visit)

    return guarded


visited_form: Callable[[NamespaceView], View] = partial(visited, guard=visitor_form)


def visit_of(request: HttpRequest) -> Visit:
    """Who visits, by their cookie. Raises InvalidNamespace, 400 `token_in_url`, DatabaseUnavailable."""
    check_address(request)
    name, digest = namespace_of(request), _digest_in(request)
    token = access.bearer_of(name, digest) if digest else None
    if token:
        tally.count_use(name, token.digest)
    caller = caller_of(request, token)
    return Visit(name, caller, _state(name, caller), is_over=bool(request.COOKIES.get(COOKIE)) and token is None)


def caller_of(request: HttpRequest, token: Bearer | None = None) -> Caller:
    """The visitor as the domain wants to know them: by their token's name, or by none."""
    return Caller(
        writer=token.name if token else "",
        is_verified=token is not None,
        address=address_of(request),
        admit_creation=creation_brake(request),
        token=token,
    )


def _state(namespace: str, caller: Caller) -> State | None:
    try:
        return reading.state(namespace, caller=caller)
    except NamespaceNotFound:
        return None


def unknown_page(request: HttpRequest, visit: Visit, refusal: Refusal | None = None) -> HttpResponse:
    """The page of a namespace that does not exist, or is not there for the visitor: which of the two, nothing tells."""
    status = PROBLEMS[refusal.code].status if refusal else 404
    context = {"namespace": visit.namespace, "refusal": refusal, "is_over": visit.is_over}
    answer = page(request, "unknown_namespace.html", context, status=status)
    return without_cookie(answer, visit.namespace) if visit.is_over else answer


def refused(request: HttpRequest, refusal: Refusal) -> HttpResponse:
    """What a visitor is told who was refused at a door: on the page of the unknown, unless the namespace is open."""
    visit = visit_of(request)
    return unknown_page(request, visit, refusal) if visit.state is None else refusal_page(request, refusal)


def with_cookie(answer: HttpResponse, request: HttpRequest, namespace: str, digest: str) -> HttpResponse:
    """An answer that lets the bearer of a token in from now on, for as long as LASTS and the token do."""
    answer.set_cookie(
        COOKIE,
        _signer(namespace).sign(digest),
        max_age=LASTS,
        path=reverse("namespace-page", args=[namespace]),
        secure=request.is_secure(),
        httponly=True,
        samesite="Strict",
    )
    return answer


def without_cookie(answer: HttpResponse, namespace: str) -> HttpResponse:
    """An answer that takes the cookie back."""
    answer.delete_cookie(COOKIE, path=reverse("namespace-page", args=[namespace]), samesite="Strict")
    return answer


def _digest_in(request: HttpRequest) -> str:
    """The digest that the cookie has; empty without one, or where it was signed for something else, or long ago."""
    try:
        return _signer(namespace_of(request)).unsign(request.COOKIES.get(COOKIE, ""), max_age=LASTS)
    except signing.BadSignature:
        return ""


def _signer(namespace: str) -> signing.TimestampSigner:
    return signing.TimestampSigner(salt=f"botwire.visit:{namespace}")
