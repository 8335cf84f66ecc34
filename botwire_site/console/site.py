"""The admin site of BotWire: Django's own for accounts, and in front of it the operators' pages."""

from typing import Any

from django.contrib.admin import AdminSite
from django.http import HttpRequest
from django.urls import path
from django.urls.resolvers import URLPattern, URLResolver

from botwire_site.console.access import MODERATE, PURGE, VIEW


class OperatorSite(AdminSite):
    """Signing in, accounts and the frame of every page come from Django; what is about memory is in this package."""

    site_title = "BotWire"
    site_header = "BotWire"
    enable_nav_sidebar = False

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
        }
