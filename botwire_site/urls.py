"""The addresses of the site. What stands behind them is imported, never defined, here."""

from django.conf import settings
from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView

urlpatterns = [
    path("", include("botwire_site.visitors.urls")),
    path("favicon.ico", RedirectView.as_view(url=f"/{settings.STATIC_URL.strip('/')}/botwire/icon.svg")),
    path("admin/", admin.site.urls),
    path("", include("api.urls")),
]
handler400 = "api.problems.bad_request"
handler403 = "api.problems.forbidden"
handler404 = "botwire_site.visitors.frame.not_found"
handler500 = "botwire_site.visitors.frame.server_error"
