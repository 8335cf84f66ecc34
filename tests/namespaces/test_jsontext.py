"""JSON as text: what is JSON is kept as it is, what is not is refused."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from namespaces.errors import InvalidInput, InvalidJSON, JSONTooDeep
from namespaces.jsontext import JSONText, members
from tests.namespaces.corpus import VALUES

LEAVES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
JSON = st.recursive(LEAVES, lambda children: st.lists(children) | st.dictionaries(st.text(), children), max_leaves=20)
SPACE = st.text(alphabet=" \t\r\n", max_size=3)


@given(value=JSON, before=SPACE, after=SPACE, is_ascii=st.booleans(), indent=st.none() | st.integers(0, 3))
def test_what_json_writes_is_kept_as_it_is(value, before, after, is_ascii, indent):
    text = json.dumps(value, ensure_ascii=is_ascii, indent=indent)

    kept = JSONText.parse(before + text + after)

    assert kept.text == text
    assert kept.size == len(text.encode())


@pytest.mark.parametrize("text", VALUES)
def test_exact_values_are_kept(text):
    assert JSONText.parse(text).text == text


@given(text=st.text() | st.text(alphabet='[]{}",:0123456789.eE+-\\utrfalsn \n'))
def test_any_text_is_either_json_to_the_standard_library_or_refused(text):
    try:
        value = json.loads(text, parse_constant=lambda name: pytest.skip(name))
    except json.JSONDecodeError:
        with pytest.raises(InvalidInput):
            JSONText.parse(text)
        return

    try:
        kept = JSONText.parse(text)
    except InvalidInput:
        assert "\\u" in text or value in (float("inf"), float("-inf")) or "inf" in repr(value)
    else:
        assert json.loads(kept.text) == value


@given(fields=st.dictionaries(st.text(), JSON), space=SPACE)
def test_the_members_of_an_object_are_its_texts(fields, space):
    inner = f"{space},{space}".join(f"{json.dumps(k)}{space}:{space}{json.dumps(v)}" for k, v in fields.items())

    found = list(members(f"{space}{{{space}{inner}{space}}}{space}"))

    assert found == [(name, json.dumps(value)) for name, value in fields.items()]


def test_a_member_that_stands_twice_is_found_twice():
    assert list(members('{"a": 1, "\\u0061": 2}')) == [("a", "1"), ("a", "2")]


@pytest.mark.parametrize("opening", ["[", '{"a":', '[{"a":'])
def test_depth_ends_at_the_limit(opening):
    closing = opening.replace('"a":', "").translate(str.maketrans("[{", "]}"))[::-1]
    levels = 64 // (opening.count("[") + opening.count("{"))

    JSONText.parse(opening * levels + "1" + closing * levels)

    with pytest.raises(JSONTooDeep):
        JSONText.parse("[" + opening * levels + "1" + closing * levels + "]")


def test_depth_counts_nesting_and_not_brackets():
    JSONText.parse("[" + ",".join(["[]"] * 10_000) + "]")
    JSONText.parse(json.dumps("[" * 10_000))
    JSONText.parse(json.dumps(['\\"[' * 100]))


def test_depth_beyond_what_python_can_recurse_is_refused_alike():
    with pytest.raises(JSONTooDeep):
        JSONText.parse("[" * 1_000_000)


@pytest.mark.parametrize("text", ["1" * 4_301, "-" + "1" * 4_301, '{"a": [' + "1" * 5_000 + "]}"])
def test_integers_no_python_reads_are_refused(text):
    with pytest.raises(InvalidJSON):
        JSONText.parse(text)


def test_a_mebibyte_of_anything_is_checked_in_moderate_time(benchmark_seconds):
    for unit in ("[],", "1,", "1.5,", '"\\ud83d\\ude00",', '"a",', '{"a":1},'):
        text = "[" + (unit * (1_048_576 // len(unit)))[:-1] + "]"

        assert benchmark_seconds(lambda text=text: JSONText.parse(text)) < 5


@pytest.fixture
def benchmark_seconds():
    import time

    def measure(call):
        began = time.perf_counter()
        call()
        return time.perf_counter() - began

    return measure
