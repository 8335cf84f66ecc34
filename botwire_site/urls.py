"""The addresses of the site. What stands behind them is imported, never defined, here."""

from django.conf import settings
from django.contrib import admin
from django.urls import include, path
from django.urls.resolvers import RoutePattern, URLResolver
from django.views.generic import RedirectView

urlpatterns = [
    path("", include("botwire_site.visitors.urls")),
    path("favicon.ico", RedirectView.as_view(url=f"/{settings.STATIC_URL.strip('/')}/botwire/icon.svg")),
    path("admin/", admin.site.urls),
    # Imported when first asked for: no worker needs the passkeys' library to start.
    URLResolver(RoutePattern("account/"), "botwire_site.accounts.urls"),
    path("", include("api.urls")),
]
handler400 = "api.problems.bad_request"
handler403 = "botwire_site.people.forbidden"
handler404 = "botwire_site.people.not_found"
handler429 = "botwire_site.people.too_many_requests"
handler500 = "botwire_site.people.server_error"
