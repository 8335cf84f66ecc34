"""What is not JSON, or would come back as something else, is refused before anything is sent."""

import collections
import datetime
import decimal
import enum
import math

import pytest

from botwire import JSONTooDeepError, Memory, UnsupportedValueError
from botwire._values import encode_value


class Level(enum.IntEnum):
    HIGH = 3


class Color(enum.StrEnum):
    RED = "red"


class Fraction(float):
    pass


def circle() -> list:
    members: list = []
    members.append({"self": members})
    return members


@pytest.mark.parametrize(
    "value",
    [
        (1, 2),
        {1},
        frozenset({1}),
        b"bytes",
        bytearray(b"bytes"),
        datetime.datetime.now(datetime.UTC),
        decimal.Decimal("1.5"),
        1j,
        object(),
        {1: "one"},
        {None: "none"},
        {True: "true"},
        {1.5: "float"},
        {Color.RED: "enum"},
        math.nan,
        math.inf,
        -math.inf,
        "\ud800",
        {"\udfff": 1},
        Level.HIGH,
        Color.RED,
        Fraction(1.5),
        collections.OrderedDict(a=1),
        collections.namedtuple("Point", "x y")(1, 2),
        10**4300,
        circle(),
    ],
    ids=lambda value: type(value).__name__,
)
@pytest.mark.parametrize("wrap", [lambda value: value, lambda value: {"a": [1, value]}], ids=["itself", "inside"])
def test_a_value_that_would_not_come_back_raises_type_error_before_any_request(value, wrap, recorded, requests_sent):
    with pytest.raises(TypeError):
        recorded.set("key", wrap(value))

    assert requests_sent == []


def test_the_refusal_says_where_in_the_value_the_trouble_is(recorded):
    with pytest.raises(UnsupportedValueError, match=r"value\['orders'\]\[1\]\['sides'\] is of type set: pass sorted"):
        recorded.set("key", {"orders": [{}, {"sides": {"buy"}}]})


def test_an_enum_s_member_is_told_to_be_its_value(recorded):
    with pytest.raises(UnsupportedValueError, match=r"value is of type Color: pass its \.value"):
        recorded.set("key", Color.RED)


def test_nesting_beyond_python_raises_before_any_request(recorded, requests_sent):
    value: list = []
    for _ in range(100_000):
        value = [value]

    with pytest.raises(JSONTooDeepError):
        recorded.set("key", value)

    assert requests_sent == []


def test_a_list_that_appears_twice_is_no_circle():
    shared = [1]

    assert encode_value([shared, shared]) == b"[[1],[1]]"


def test_json_text_is_compact_utf_8():
    assert encode_value({"größe": [1, 1.5, True, None]}) == '{"größe":[1,1.5,true,null]}'.encode()


@pytest.mark.parametrize("ttl", [True, "60", b"60", [60]])
def test_a_ttl_that_is_no_number_raises_type_error_before_any_request(ttl, recorded, requests_sent):
    with pytest.raises(TypeError, match="ttl is a number of seconds"):
        recorded.set("key", 1, ttl=ttl)

    assert requests_sent == []


@pytest.mark.parametrize("ttl", [math.nan, math.inf, -math.inf, 1e15, 10**400])
def test_a_ttl_beyond_any_raises_value_error_before_any_request(ttl, recorded, requests_sent):
    with pytest.raises(ValueError, match="ttl is a number of seconds"):
        recorded.set("key", 1, ttl=ttl)

    assert requests_sent == []


def test_if_version_and_if_absent_exclude_each_other(recorded, requests_sent):
    with pytest.raises(ValueError, match="exclude each other"):
        recorded.set("key", 1, if_version=1, if_absent=True)

    assert requests_sent == []


@pytest.mark.parametrize("version", ["17", True, 17.0])
def test_a_version_that_is_no_int_raises_type_error(version, recorded: Memory, requests_sent):
    with pytest.raises(TypeError, match="if_version is the int"):
        recorded.delete("key", if_version=version)

    assert requests_sent == []
