"""How the operators' pages are rendered: in the admin's frame, with what is shown of strangers' text made visible."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from botwire_site.visible import visible as visible


def render_page(
    request: HttpRequest, template: str, context: dict[str, Any] | None = None, *, title: str = "", status: int = 200
) -> HttpResponse:
    """The page `console/<template>` under `title`."""
    everything = {**admin.site.each_context(request), "title": title, **(context or {})}
    return TemplateResponse(request, f"console/{template}", everything, status=status)
