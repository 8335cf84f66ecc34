"""Hostile keys and every type of JSON value, for the tests that go through a real server."""

from typing import Any

from hypothesis import strategies as st

HOSTILE_KEYS = [
    "plain",
    "user:42",
    "a/b",
    "a/b?c#d%2F",
    "a%2Fb",
    "100%",
    "%ff",
    "%2e%2e",
    "what?",
    "#",
    "/",
    "//",
    "a//b/",
    "...",
    ".hidden",
    " ",
    " leading and trailing ",
    "a+b",
    "a b",
    "\\",
    ";=&,'\"<>{}[]|^`*()!$@~",
    "é",
    "e\u0301",
    "ÿ",
    "\ue000",
    "\uffff",
    "😀",
    "\U0010ffff",
    "\u202e\u200b",
    "keys",
    "A",
    "a",
    "a" * 512,
    "😀" * 128,
]

HOSTILE_VALUES: list[Any] = [
    None,
    True,
    False,
    0,
    42,
    -1,
    2**53 + 1,
    10**4299,
    -(10**4299),
    0.0,
    -0.0,
    1e3,
    0.1,
    5e-324,
    1.7976931348623157e308,
    "",
    "42",
    "[1]",
    "null",
    "\x00",
    "\x7f\x1f\u2028\ufeff",
    "\\u0041",
    "😀" * 1_000,
    [],
    {},
    [[[[[[[[]]]]]]]],
    {"": None, "\x00": 1, "value": 2, "ttl": 3},
    {"b": 1, "a": 2, "é": 3, "e\u0301": 4},
    [None, True, 1, 1.0, "1", [1], {"1": 1}],
]

KEYS = st.sampled_from(HOSTILE_KEYS) | st.text(
    st.characters(exclude_categories=["Cc", "Cs"]), min_size=1, max_size=20
).filter(lambda key: not {".", ".."} & set(key.split("/")))

VALUES = st.sampled_from(HOSTILE_VALUES) | st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda members: (
        st.lists(members, max_size=4)
        | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), members, max_size=4)
    ),
    max_leaves=12,
)


def exactly(value: Any) -> str:
    """A text that differs for 1, 1.0, True and "1", for 0.0 and -0.0, and for another order of keys."""
    if isinstance(value, dict):
        return "{" + ",".join(f"{name!r}:{exactly(member)}" for name, member in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(exactly, value)) + "]"
    return f"{type(value).__name__} {value!r}"
