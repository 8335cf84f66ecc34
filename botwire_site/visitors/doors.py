"""The doors of a namespace: a token is exchanged for a cookie, and given back; an open one is claimed.

A token comes in a form's body, once, and leaves in none but the answer that made it.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from api.access import admission_of, check_address
from api.brakes import count_guess
from api.requests import namespace_of
from botwire_site.visitors.frame import View, page, private, visitor_form
from botwire_site.visitors.visits import caller_of, refused, with_cookie, without_cookie
from namespaces import access
from namespaces.errors import ClaimCodeRequired, NamespaceNotFound, Refusal
from namespaces.tokens import Shared, check_token, digest_of


def door(view: Callable[[HttpRequest, str], HttpResponse]) -> View:
    """An address to post to; who opens it otherwise is led to the namespace's page, who is refused is told so."""

    @private
    @visitor_form
    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        check_address(request)
        name = namespace_of(request)
        if request.method != "POST":
            return redirect("namespace-page", name)
        try:
            return view(request, name)
        except Refusal as refusal:
            return refused(request, refusal)

    return guarded


@door
def sign_in(request: HttpRequest, namespace: str) -> HttpResponse:
    """Take a token, and show the namespace from now on to this browser."""
    token = check_token(request.POST.get("token", "").strip())
    if admission_of(request, namespace, token).token is None:
        raise NamespaceNotFound(namespace)
    return with_cookie(_to_page(namespace), request, namespace, digest_of(token))


@door
def sign_out(request: HttpRequest, namespace: str) -> HttpResponse:
    """Take the cookie back. The token stays good."""
    return without_cookie(_to_page(namespace), namespace)


@door
def claim(request: HttpRequest, namespace: str) -> HttpResponse:
    """Make a namespace private, let this browser in, and show its first token, this once."""
    shared = _claimed(request, namespace)
    return with_cookie(new_token_page(request, shared), request, namespace, shared.token.digest)


def _claimed(request: HttpRequest, namespace: str) -> Shared:
    given = request.POST
    name, code = given.get("name", "").strip() or "admin", given.get("claim_code", "").strip()
    try:
        return access.claim(namespace, name=name, code=code, caller=caller_of(request))
    except ClaimCodeRequired:
        if code:
            count_guess(request)
        raise


def new_token_page(request: HttpRequest, shared: Shared) -> HttpResponse:
    """The one page that shows a token: the answer to the form that made it."""
    return page(request, "new_token.html", {"shared": shared, "token": shared.token}, status=201)


def _to_page(namespace: str) -> HttpResponse:
    answer = redirect("namespace-page", namespace)
    answer.status_code = 303
    return answer
