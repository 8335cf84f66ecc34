"""How pages write down amounts and times: short enough for a table, with the exact one beside it."""

from datetime import datetime
from typing import Any

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from botwire_site.console.rendering import visible as make_visible
from namespaces import clock

register = template.Library()

_UNITS = ("bytes", "kB", "MB", "GB", "TB", "PB")
_SPANS = ((86_400, "d"), (3_600, "h"), (60, "min"))


@register.filter
def size(number: int) -> str:
    """Bytes with three digits, in powers of 1,000: `31.4 MB`."""
    amount, unit = float(number), 0
    while amount >= 999.5 and unit < len(_UNITS) - 1:
        amount, unit = amount / 1_000, unit + 1
    digits = 0 if unit == 0 or amount >= 99.95 else 1
    return f"{amount:,.{digits}f} {_UNITS[unit]}"


@register.filter
def percent(thousandths: int) -> str:
    """Thousandths as a percentage, rounded down so that 100 % is all of it: `98 %`."""
    return f"{thousandths // 10:,} %"


@register.filter
def moment(at: datetime | None) -> str:
    """A moment to the minute, in UTC."""
    if at is None:
        return "never"
    return _time(at, f"{at:%Y-%m-%d %H:%M} UTC")


@register.filter
def hour(at: datetime) -> str:
    """A moment of today: `16:40 UTC`."""
    return _time(at, f"{at:%H:%M} UTC")


@register.filter
def ago(at: datetime | None) -> str:
    """How long ago a moment was, in its largest whole unit: `3 min ago`."""
    if at is None:
        return "never"
    seconds = int((clock.now() - at).total_seconds())
    for length, unit in _SPANS:
        if seconds >= length:
            return _time(at, f"{seconds // length:,} {unit} ago")
    return _time(at, "just now")


def _time(at: datetime, text: str) -> SafeString:
    return format_html(
        '<time datetime="{}" title="{}">{}</time>',
        at.isoformat(timespec="seconds"),
        f"{at:%Y-%m-%d %H:%M:%S} UTC",
        text,
    )


@register.filter
def words(code: str) -> str:
    """A code as words: `daily_write_limit` is `daily write limit`."""
    return code.replace("_", " ")


@register.filter
def visible(text: str) -> str:
    """Text of strangers with what cannot be seen as escapes."""
    return make_visible(text)


@register.filter
def of(found: dict[str, Any], name: str) -> Any:
    """What `found` holds under a name that is a variable; None where there is nothing."""
    return found.get(name)
