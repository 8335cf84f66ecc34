"""The site as a WSGI application (PEP 3333): Django alone, complete, without the lane of `botwire_site.asgi`."""

import os
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import quote

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "botwire_site.settings")
_django = get_wsgi_application()


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Django, with the raw path at hand also under servers that keep the request line to themselves.

    It has to be taken here: Django replaces bytes in PATH_INFO that are not UTF-8.
    """
    environ.setdefault("RAW_URI", quote(environ.get("SCRIPT_NAME", "") + environ["PATH_INFO"], encoding="latin-1"))
    return _django(environ, start_response)
