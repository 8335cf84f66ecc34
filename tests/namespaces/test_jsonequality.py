"""Equality of JSON as RFC 6902 section 4.6 has it, exactly."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from namespaces.jsonequality import are_equal

EQUAL = [
    ("1", "1.0"),
    ("1e3", "1000"),
    ("1E+3", "1000.000"),
    ("0.001", "1e-3"),
    ("-0", "0.0"),
    ("0e999999999999", "0"),
    ("12345678901234567890123456789012345678901234567890", "1.2345678901234567890123456789012345678901234567890e49"),
    ("1e-99999999999999999999", "10e-100000000000000000000"),
    ('"a"', '"\\u0061"'),
    ('"😀"', '"\\ud83d\\ude00"'),
    ('{"a": 1, "b": [true, null]}', '{ "b":[true,null],"a":1.0 }'),
    ('{"a": 1, "a": 2}', '{"a": 2}'),
    ("[]", "[ ]"),
    ("{}", "{ }"),
]
DIFFERENT = [
    ("1", "true"),
    ("0", "false"),
    ("0", "null"),
    ("1", '"1"'),
    ("9007199254740993", "9007199254740992"),
    ("0.1", "0.1000000000000000055511151231257827"),
    ("1e-400", "0"),
    ("1e-400", "1e-401"),
    ("1", "-1"),
    ("10", "1"),
    ("[1, 2]", "[2, 1]"),
    ("[1]", "[1, 1]"),
    ("[]", "{}"),
    ('["1", "", 0]', "1"),
    ('["", "1", 0]', "1"),
    ('{"a": 1}', '{"a": 1, "b": null}'),
    ('"é"', '"e\u0301"'),
    ('"a"', '"A"'),
]


@pytest.mark.parametrize(("one", "other"), EQUAL)
def test_what_says_the_same_is_equal(one, other):
    assert are_equal(one, other)
    assert are_equal(other, one)
    assert are_equal(f"[{one}]", f"[{other}]")


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_what_says_something_else_is_not(one, other):
    assert not are_equal(one, other)
    assert not are_equal(other, one)
    assert not are_equal(f'{{"a": {one}}}', f'{{"a": {other}}}')


NUMBERS = st.from_regex(r"-?(0|[1-9][0-9]{0,4})(\.[0-9]{1,4})?([eE][+-]?[0-9]{1,2})?", fullmatch=True)


@given(NUMBERS, NUMBERS)
def test_numbers_are_equal_where_their_decimal_values_are(one, other):
    assert are_equal(one, other) == (Decimal(one) == Decimal(other))


@given(NUMBERS, st.integers(0, 6))
def test_a_number_is_equal_however_it_is_written(number, shift):
    scaled = Decimal(number).scaleb(-shift)

    assert are_equal(number, f"{scaled:f}e{shift}")
