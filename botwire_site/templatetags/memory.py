"""How the operators' pages show who wrote when, and where they lead; the texts themselves are `visible_text`'s."""

from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from django import template
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from botwire_site.templatetags.visible_text import visible
from namespaces.names import Writer, is_operator_writer

register = template.Library()


@register.filter
def moment(at: datetime | None) -> SafeString:
    """A time in UTC to the second, with the exact one for programs."""
    if at is None:
        return SafeString("")
    at = at.astimezone(UTC)
    exact = at.isoformat(timespec="microseconds").replace("+00:00", "Z")
    return format_html('<time datetime="{}" title="{}">{}</time>', exact, exact, f"{at:%Y-%m-%d %H:%M:%S}")


@register.filter
def by(written: Any) -> SafeString:
    """Who wrote an entry or a change, see `writer`."""
    return writer(Writer(written.writer, written.is_verified))


@register.filter
def writer(who: Writer) -> SafeString:
    """A writer, and the mark that tells operators, tokens' names, and what an agent called itself."""
    if not who.name:
        return SafeString('<span class="quiet">unnamed</span>')
    if who.is_verified and is_operator_writer(who.name):
        return SafeString('<span class="status">operator</span>')
    mark = '<span class="status">verified</span>' if who.is_verified else '<span class="quiet">self-declared</span>'
    return format_html("<bdi>{}</bdi> {}", visible(who.name), SafeString(mark))


@register.simple_tag
def address(name: str, namespace: str, **parameters: Any) -> str:
    """The address of the operators' page `name` of a namespace; parameters that are None or empty are left out."""
    given = {key: value for key, value in parameters.items() if value is not None and value != ""}
    query = "&".join(f"{key}={quote(str(value), safe='')}" for key, value in given.items())
    return reverse(f"admin:{name}", args=[namespace]) + (f"?{query}" if query else "")


@register.filter
def after(text: str, prefix: str) -> str:
    """What stands in `text` behind `prefix`."""
    return text.removeprefix(prefix)
