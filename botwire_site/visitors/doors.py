"""The doors of a namespace: a token is exchanged for a cookie, and given back; an open one is claimed.

A token comes in a form's body, once, and leaves in none but the answer that made it.
"""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from api.access import admission_of, check_address
from api.brakes import count_guess
from api.requests import namespace_of
from botwire_site.visitors.frame import page, private, visitor_form
from botwire_site.visitors.visits import caller_of, refused, with_cookie, without_cookie
from namespaces import access
from namespaces.errors import ClaimCodeRequired, NamespaceNotFound, Refusal
from namespaces.tokens import Shared, check_token, digest_of


@private
@visitor_form
def sign_in(request: HttpRequest, namespace: str) -> HttpResponse:
    """Take a token, and show the namespace from now on to this browser."""
    check_address(request)
    name = namespace_of(request)
    if request.method != "POST":
        return redirect("namespace-page", name)
    token = request.POST.get("token", "").strip()
    try:
        if admission_of(request, name, check_token(token)).token is None:
            raise NamespaceNotFound(name)
    except Refusal as refusal:
        return refused(request, refusal)
    return with_cookie(_to_page(name), request, name, digest_of(token))


@private
@visitor_form
def sign_out(request: HttpRequest, namespace: str) -> HttpResponse:
    """Take the cookie back. The token stays good."""
    check_address(request)
    name = namespace_of(request)
    return without_cookie(_to_page(name), name) if request.method == "POST" else redirect("namespace-page", name)


@private
@visitor_form
def claim(request: HttpRequest, namespace: str) -> HttpResponse:
    """Make a namespace private, let this browser in, and show its first token, this once."""
    check_address(request)
    name = namespace_of(request)
    if request.method != "POST":
        return redirect("namespace-page", name)
    try:
        shared = _claimed(request, name)
    except Refusal as refusal:
        return refused(request, refusal)
    return with_cookie(new_token_page(request, shared), request, name, shared.token.digest)


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
