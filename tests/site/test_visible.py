"""Text by strangers is shown so that nothing hides in it."""

import pytest

from botwire_site.templatetags.visible_text import visible as visible_html
from botwire_site.templatetags.visible_text import visible_lines
from botwire_site.visible import visible, visible_parts


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("user:42", "user:42"),
        ("two words", "two words"),
        ("é 😀 日本", "é 😀 日本"),
        ("evil\u202egnp.exe", r"evil\u202egnp.exe"),
        ("a\nb", r"a\x0ab"),
        ("a\u00a0b", r"a\xa0b"),
        ("\ufeffbom", r"\ufeffbom"),
        ("\u2028", r"\u2028"),
        ("\U000e0041", r"\U000e0041"),
        ("", ""),
    ],
)
def test_what_cannot_be_seen_is_an_escape(text, shown):
    assert visible(text) == shown


def test_an_escape_can_be_told_from_the_same_text():
    assert visible_parts("\u202e") == [(r"\u202e", True)]
    assert visible_parts(r"\u202e") == [(r"\u202e", False)]


def test_markup_is_escaped_and_escapes_are_marked():
    assert visible_html("<b>\u202e") == '&lt;b&gt;<span class="escape">\\u202e</span>'


def test_lines_stay_lines_where_they_may():
    assert visible_lines("a\n\tb\r") == 'a\n\tb<span class="escape">\\x0d</span>'
