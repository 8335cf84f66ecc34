"""Memory for operators to look at, and what of strangers' texts must never be run or misread."""

from urllib.parse import quote

from namespaces import writing
from namespaces.callers import Caller
from namespaces.jsontext import JSONText
from namespaces.names import check_key

HOSTILE_KEYS = [
    "<b>bold</b>",
    "</script><script>alert(1)</script>",
    "evil\u202etxt.exe",
    "a/b?c#d%2F",
    "100%",
    "a&b=c;d",
    "a+b c",
    "  two  spaces ",
    "emoji/😀",
    "\ufeff",
    "'\"`$(id)",
    "{{ settings.SECRET_KEY }}",
]
HOSTILE_VALUES = [
    '"<script>alert(1)</script>"',
    '"</textarea><img src=x onerror=alert(1)>"',
    '"\u202e\u2028"',
    '"\\u202e"',
    '{"a":\n\t1}',
    "[" * 64 + "]" * 64,
    "9" * 300,
    '{"a": 1, "a": 1e3}',
]


def remember(namespace, key="k", text="1", *, agent="agent-7", **options):
    return writing.set_entry(namespace, check_key(key), JSONText.parse(text), caller=Caller(agent), **options)


def page(namespace, name, **parameters):
    query = "&".join(f"{name}={quote(str(value), safe='')}" for name, value in parameters.items())
    return f"/admin/namespaces/{namespace}/{name}/" + (f"?{query}" if query else "")
