"""Values as outlines of bounded size, and what differs between two of them."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from botwire_site.console import difference as differences
from botwire_site.console.difference import difference
from botwire_site.console.jsontree import CHILDREN, FEW, STEPS, Outline, lines_of, symbols_of
from tests.namespaces.corpus import VALUES

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=30,
)


def told(steps):
    return [(step.kind, step.name, step.text) for step in steps]


def test_an_outline_shows_names_and_scalars_as_they_are_spelt():
    steps = Outline.part('{"f": 1e3, "f":1.0, "\\u0061": {"x": [ "\\/", null ]}}')

    assert told(steps) == [
        ("open", "", "{"),
        ("scalar", '"f"', "1e3"),
        ("scalar", '"f"', "1.0"),
        ("open", '"\\u0061"', "{"),
        ("open", '"x"', "["),
        ("scalar", "0", '"\\/"'),
        ("scalar", "1", "null"),
        ("close", "", ""),
        ("close", "", ""),
        ("close", "", ""),
    ]
    assert [step.children for step in steps if step.kind == "open"] == [3, 1, 2]


@pytest.mark.parametrize("text", VALUES)
def test_every_value_has_an_outline(text):
    steps = Outline.part(text)

    assert sum(step.kind == "open" for step in steps) == sum(step.kind == "close" for step in steps)
    assert steps


@pytest.mark.parametrize(
    "text",
    [
        "[" + "[]," * 349_000 + "1]",
        "[" * 64 + "1," * 500_000 + "1" + "]" * 64,
        '{"a":' * 63 + "[" + ",".join(["[1,2,3]"] * 100_000) + "]" + "}" * 63,
        '"' + "x" * 1_048_574 + '"',
        "[" + ",".join('"' + "y" * 10_000 + '"' for _ in range(100)) + "]",
        '{"' + "n" * 1_000_000 + '": 1}',
    ],
    ids=["empties", "deep", "deeper", "string", "strings", "name"],
)
def test_a_mebibyte_has_a_small_outline(text):
    steps = Outline.part(text)

    assert len(steps) <= STEPS * 2 + 64 * FEW + 64
    assert sum(len(step.text) + len(step.name) for step in steps) < 100_000


def test_what_is_left_out_can_be_walked_to():
    text = "[" + ",".join(str(number) for number in range(1_000)) + "]"
    found, begin, first = [], None, 0

    for _ in range(1_000 // CHILDREN):
        steps = Outline.part(text, 0, begin, first)
        found += [(step.name, step.text) for step in steps if step.kind == "scalar"]
        more = [step for step in steps if step.kind == "more"]
        begin, first = (more[0].begin, more[0].first) if more else (None, 0)

    assert found == [(str(number), str(number)) for number in range(1_000)]
    assert not more


def test_the_neighbours_of_a_long_container_are_shown():
    steps = Outline.part('{"long": [' + "1," * 5_000 + '1], "next": 2}')

    assert ("scalar", '"next"', "2") in told(steps)


def test_a_closed_container_can_be_opened_by_its_place():
    text = "[" + ",".join(f"[[{number}]]" for number in range(99)) * 1 + "]"
    wide = "[" + ",".join([text] * 20) + "]"

    closed = next(step for step in Outline.part(wide) if step.kind == "closed")

    assert told(Outline.part(wide, closed.at))[0] == ("open", "", "[")


@pytest.mark.parametrize(("at", "begin"), [(9, None), (100, None), (0, 100)])
def test_a_place_that_is_none_is_told(at, begin):
    with pytest.raises(ValueError, match="place"):
        Outline.part('["abc"]   ', at, begin)


@given(value=JSON)
def test_indented_lines_are_the_same_value(value):
    text = json.dumps(value)

    lines = "\n".join(lines_of(symbols_of(text)))

    assert json.loads(lines) == value
    assert lines == json.dumps(value, indent=2)


@given(before=JSON, after=JSON)
def test_a_difference_is_what_leads_from_one_to_the_other(before, after):
    found = difference(json.dumps(before), json.dumps(after))

    assert bool(found.lines) == (json.dumps(before) != json.dumps(after))
    assert found.is_whole


def test_a_difference_is_shown_with_its_surroundings():
    found = difference('{"a": 1, "b": [1, 2], "c": 3}', '{"a": 1,\n"b": [1, 2, 3], "c": 3}')

    assert [(line.sign, line.text) for line in found.lines] == [
        (" ", '  "b": ['),
        (" ", "    1,"),
        (" ", "    2,"),
        ("+", "    3"),
        (" ", "  ],"),
        (" ", '  "c": 3'),
        (" ", "}"),
    ]


def test_white_space_is_no_difference():
    assert difference("[1,2]", "[ 1,\n2 ]").lines == []


def test_a_small_change_of_a_large_value_is_found():
    text = "[" + ",".join(f'{{"id": {number}}}' for number in range(50_000)) + "]"

    found = difference(text, text.replace('"id": 25000}', '"id": "here"}'))

    assert [(line.sign, line.text) for line in found.lines if line.sign in "+-"] == [
        ("-", '    "id": 25000'),
        ("+", '    "id": "here"'),
    ]
    assert found.is_whole


def test_large_changes_are_cut_and_said_to_be():
    before, after = (json.dumps([number + start for number in range(5_000)]) for start in (0, 10_000))

    found = difference(before, after)

    assert len(found.lines) == differences.LINES
    assert not found.is_whole
