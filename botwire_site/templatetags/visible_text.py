"""Filters for text by strangers: escaped for HTML, and what cannot be seen in it marked as an escape."""

from django import template
from django.utils.html import conditional_escape, format_html, format_html_join
from django.utils.safestring import SafeString

from botwire_site.visible import visible_parts

register = template.Library()


@register.filter
def visible(text: str) -> SafeString:
    """One line of text, such as a key."""
    return _marked(text, "")


@register.filter
def visible_lines(text: str) -> SafeString:
    """Text that may have several lines; line feeds and tabs stay what they are."""
    return _marked(text, "\n\t")


def _marked(text: str, but: str) -> SafeString:
    if text.isprintable():  # nearly all are, and a page has hundreds
        return conditional_escape(text)
    pieces = (
        format_html('<span class="escape">{}</span>' if is_escape else "{}", part)
        for part, is_escape in visible_parts(text, but=but)
    )
    return format_html_join("", "{}", ((piece,) for piece in pieces))
