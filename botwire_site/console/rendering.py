"""How the operators' pages are rendered: in the admin's frame, with what is shown of strangers' text made visible."""

import unicodedata
from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

# Categories whose characters cannot be seen, or change how their neighbours are seen (right-to-left override).
_INVISIBLE = ("Cc", "Cf", "Co", "Cn", "Cs", "Zl", "Zp")


def render_page(
    request: HttpRequest, template: str, context: dict[str, Any] | None = None, *, title: str = "", status: int = 200
) -> HttpResponse:
    """The page `console/<template>` under `title`."""
    everything = {**admin.site.each_context(request), "title": title, **(context or {})}
    response = TemplateResponse(request, f"console/{template}", everything, status=status)
    # Under the site's "no-referrer" a browser posts a form with "Origin: null", which no check against forgery takes.
    response["Referrer-Policy"] = "same-origin"
    return response


def visible(text: str) -> str:
    r"""`text` with characters that cannot be seen as escapes: a right-to-left override is shown as `\u202e`."""
    return "".join(_escaped(character) if _is_invisible(character) else character for character in text)


def _is_invisible(character: str) -> bool:
    if character == " ":
        return False
    return unicodedata.category(character) in _INVISIBLE or unicodedata.category(character) == "Zs"


def _escaped(character: str) -> str:
    number = ord(character)
    if number < 0x100:
        return f"\\x{number:02x}"
    return f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"
