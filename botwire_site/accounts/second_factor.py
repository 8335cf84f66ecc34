"""Whether a session has shown a second factor, and which pages it may open until then.

A session has passed while the factor that it showed exists: resetting an account's factors ends every pass at once.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any

from allauth.account.authentication import get_authentication_records
from allauth.account.internal.flows.login import record_authentication
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.contrib.auth import logout
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.views.decorators.cache import never_cache

View = Callable[..., HttpResponseBase]


def has_passed(request: HttpRequest) -> bool:
    """Whether this session has all that is asked of an operator: signed in, and the second factor shown."""
    if not request.user.is_authenticated:
        return False
    if not settings.OPERATOR_MFA:
        return True
    if not hasattr(request, "_has_passed"):  # asked several times a page
        request._has_passed = _has_shown_a_factor(request)  # type: ignore[attr-defined]
    passed: bool = request._has_passed  # type: ignore[attr-defined]
    return passed


def _has_shown_a_factor(request: HttpRequest) -> bool:
    records = get_authentication_records(request, request.user)
    shown = [record["id"] for record in records if record["method"] == "mfa"]
    return bool(shown) and _factors(request).filter(pk__in=shown).exists()


def note_passed(request: HttpRequest, kind: Authenticator.Type) -> None:
    """Count the account's newest factor of this kind as shown: it was made in this session a moment ago."""
    factor = _factors(request).filter(type=kind).latest("pk")
    record_authentication(request, request.user, "mfa", id=factor.pk, type=factor.type)


def _factors(request: HttpRequest) -> Any:
    return Authenticator.objects.filter(user_id=request.user.pk)


def passed(view: View) -> View:
    """A view for sessions that have passed; others are sent to sign in, or to make their first factor."""
    return _guarded(view, may_enrol=False)


def enrolling(view: View) -> View:
    """A view that is also open to a signed-in account without any factor, so that it can make its first."""
    return _guarded(view, may_enrol=True)


def _guarded(view: View, *, may_enrol: bool) -> View:
    @never_cache
    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if has_passed(request) or (may_enrol and request.user.is_authenticated and not _factors(request).exists()):
            return view(request, *args, **kwargs)
        return send_to_sign_in(request, request.get_full_path())

    return guarded


def send_to_sign_in(request: HttpRequest, back_to: str) -> HttpResponseBase:
    """To the page on which this session gets further: signing in, or making the account's first factor.

    A session from before the account had a factor is ended: making another one there would step around the first.
    """
    if request.user.is_authenticated:
        if not has_passed(request) and not _factors(request).exists():
            return redirect("mfa_index")
        logout(request)
    return redirect_to_login(back_to)
