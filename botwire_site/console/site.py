"""The admin site of BotWire: Django's own for accounts, and in front of it the operators' pages."""

from typing import Any

from django.conf import settings
from django.contrib.admin import AdminSite
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseNotAllowed
from django.shortcuts import redirect
from django.urls import path, reverse
from django.urls.resolvers import URLPattern, URLResolver
from django.views.decorators.cache import never_cache

from botwire_site.accounts.second_factor import has_passed, send_to_sign_in
from botwire_site.console.access import MODERATE, PURGE, VIEW


class OperatorSite(AdminSite):
    """Accounts and the frame of every page come from Django, signing in from `botwire_site.accounts`.

    What is about memory is in this package.
    """

    site_title = "BotWire"
    site_header = "BotWire"
    enable_nav_sidebar = False

    def has_permission(self, request: HttpRequest) -> bool:
        """Whether this session may see any page at all: of an active operator, and past the second factor."""
        return super().has_permission(request) and has_passed(request)

    # The two pages of Django's that ask for a password alone: closed, and led on to ours.

    def login(self, request: HttpRequest, extra_context: Any = None) -> HttpResponseBase:  # type: ignore[override]
        return _to_sign_in(request)

    def password_change(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:  # type: ignore[override]
        return redirect("account_change_password")

    def get_urls(self) -> list[Any]:
        from botwire_site.console.urls import PAGES

        own = [path(page.path, self.admin_view(page.view), name=page.name) for page in PAGES]
        stock: list[URLPattern | URLResolver] = super().get_urls()
        return [*own, *stock]  # ours come first, so that `/admin/` is the overview

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        """What every page knows: Django's context, and what this operator may do."""
        user = request.user
        return {
            **super().each_context(request),
            "may_view": user.has_perm(VIEW),
            "may_moderate": user.has_perm(MODERATE),
            "may_purge": user.has_perm(PURGE),
            "is_second_factor_waived": not settings.OPERATOR_MFA,
        }


@never_cache
def _to_sign_in(request: HttpRequest) -> HttpResponseBase:
    """Where Django's admin sends whoever it shows nothing: on to our sign-in, and back to the page asked for."""
    if request.method not in ("GET", "HEAD"):
        return HttpResponseNotAllowed(["GET", "HEAD"])
    if has_passed(request):
        if not (request.user.is_active and request.user.is_staff):
            raise PermissionDenied
        return redirect("admin:index")
    return send_to_sign_in(request, request.GET.get("next") or reverse("admin:index"))
