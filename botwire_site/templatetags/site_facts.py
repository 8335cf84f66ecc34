"""What the frame of every page says about the server itself."""

import tomllib
from functools import cache

from django import template
from django.conf import settings

register = template.Library()


@register.simple_tag
@cache
def site_version() -> str:
    """The version of BotWire that is served, as pyproject.toml has it."""
    project = tomllib.loads((settings.BASE_DIR / "pyproject.toml").read_text())["project"]
    return str(project["version"])
