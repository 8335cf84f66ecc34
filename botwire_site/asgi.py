"""The site as an ASGI application: the lane, with Django behind it. `botwire_site.wsgi` is Django alone."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "botwire_site.settings")
_django = get_wsgi_application()

from django.conf import settings  # noqa: E402
from django.urls import get_resolver  # noqa: E402

from api.lane.application import Application  # noqa: E402

assert get_resolver().url_patterns, "the views are imported now, not when the first one asks for them"

# Two more threads than may wait for the database, so that what asks for no database is answered while it hangs.
application = Application(_django, threads=settings.DATABASE_TURNS + 2)
