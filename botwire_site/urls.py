"""The addresses of the site. What stands behind them is imported, never defined, here."""

from django.conf import settings
from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView

from botwire_site import pages

urlpatterns = [
    path("", pages.home, name="home"),
    path("favicon.ico", RedirectView.as_view(url=f"/{settings.STATIC_URL.strip('/')}/botwire/icon.svg")),
    path("docs/errors", pages.error_codes, name="error-codes"),
    path("admin/", admin.site.urls),
    path("", include("api.urls")),
]
handler400 = "api.problems.bad_request"
handler403 = "api.problems.forbidden"
handler404 = "api.problems.not_found"
handler500 = "api.problems.server_error"
