"""A value as a tree: literals as they were written, and little work whatever its size and depth."""

import json
import time

import pytest
from django.template.loader import render_to_string

from botwire_site.json_tree import MOST_CHARACTERS, MOST_PARTS, Part, tree_of
from namespaces.limits import limit
from tests.namespaces.corpus import VALUES


def html_of(text: str) -> str:
    return render_to_string("json_tree.html", {"tree": tree_of(text)})


def test_an_object_is_its_members_with_their_names_as_written():
    tree = tree_of(r'{"a\u0062": 1e3, "list": [true, []], "a\u0062": "x"}')

    assert tree.parts == [
        Part("open", "{", "", 0, 3),
        Part("leaf", "1e3", r'"a\u0062"', 1),
        Part("open", "[", '"list"', 1, 2),
        Part("leaf", "true", "0", 2),
        Part("leaf", "[]", "1", 2, 0),
        Part("close"),
        Part("leaf", '"x"', r'"a\u0062"', 1),
        Part("close"),
    ]
    assert not tree.is_cut


@pytest.mark.parametrize("text", VALUES)
def test_every_value_is_shown_with_the_literals_that_it_has(text):
    tree = tree_of(text)

    opened = [part for part in tree.parts if part.kind == "open"]
    assert len(opened) == len([part for part in tree.parts if part.kind == "close"])
    assert not tree.is_cut
    for part in tree.parts:
        assert part.text in text
        assert part.hidden == 0 or len(part.text) == MOST_CHARACTERS


def test_brackets_and_quotes_within_strings_are_text():
    [leaf] = tree_of(r'"[{\"a\": \\"').parts

    assert leaf == Part("leaf", r'"[{\"a\": \\"')


def test_a_large_value_is_cut_and_says_so():
    tree = tree_of(json.dumps([[1] * 10] * 5_000))

    kinds = [part.kind for part in tree.parts]
    assert tree.is_cut
    assert MOST_PARTS <= len(tree.parts) <= MOST_PARTS + 2, "the closing lines of two arrays"
    assert kinds.count("open") == kinds.count("close")
    assert tree.parts[0].size is None
    assert "The tree ends here" in render_to_string("json_tree.html", {"tree": tree})


def test_as_many_values_as_fit_are_not_cut():
    whole, over = tree_of(json.dumps([1] * (MOST_PARTS - 1))), tree_of(json.dumps([1] * MOST_PARTS))

    assert (whole.is_cut, whole.parts[0].size) == (False, MOST_PARTS - 1)
    assert (over.is_cut, over.parts[0].size) == (True, None)


def test_a_long_string_is_cut_and_says_how_much_is_missing():
    text = json.dumps("x" * limit("value_bytes"))

    [leaf] = tree_of(text).parts

    assert leaf.hidden == len(text) - MOST_CHARACTERS
    assert f"{leaf.hidden:,} more characters" in html_of(text)


def test_the_deepest_value_is_nested_to_its_end_and_closed():
    html = html_of("[" * 64 + "]" * 64)

    assert html.count("<details") == html.count("</details>") == 63
    assert html.count("<ul>") == html.count("</ul>") == 64


@pytest.mark.parametrize(
    "text", ["[" * 200_000 + "]" * 200_000, "[" + "1," * 400_000 + "1]", '"' + "\\n" * 500_000 + '"']
)
def test_a_value_of_any_size_and_depth_costs_little(text):
    began = time.process_time()

    html = html_of(text)

    assert time.process_time() - began < 2
    assert len(html) < 1_000_000


def test_markup_in_names_and_values_is_text():
    html = html_of('{"<script>": "</script><img src=x onerror=alert(1)>", "\u202e": "\u202e"}')

    assert "<script" not in html
    assert "<img" not in html
    assert "\u202e" not in html
    assert html.count(r'<span class="escape">\u202e</span>') == 2
