"""The order of prefixes; what may be called what is tested over HTTP."""

from hypothesis import given
from hypothesis import strategies as st

from namespaces.names import after_prefix

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=6)


@given(prefix=TEXT, key=TEXT, rest=TEXT)
def test_a_key_is_in_the_range_of_a_prefix_exactly_if_it_begins_so(prefix, key, rest):
    end = after_prefix(prefix)

    for candidate in (key, prefix + rest):
        is_in_range = candidate.encode() >= prefix.encode() and (end is None or candidate.encode() < end.encode())
        assert is_in_range == candidate.startswith(prefix)


def test_the_highest_prefix_has_no_end():
    assert after_prefix("") is None
    assert after_prefix("\U0010ffff\U0010ffff") is None
