"""Keys made of parts: whatever the parts are, no two lists of them share a key, and a key gives its parts back."""

from hypothesis import given
from hypothesis import strategies as st

from botwire._names import check_key
from botwire._segments import joined, parted

PARTS = st.lists(
    st.one_of(st.text(max_size=4), st.sampled_from(["", ".", "..", "/", "%2F", "%", "\x00", "\x85"])), min_size=1
)


@given(PARTS)
def test_a_key_gives_its_parts_back(parts):
    assert parted(joined(*parts)) == parts


@given(PARTS)
def test_it_is_a_key_that_a_memory_takes(parts):
    key = joined("root", *parts)

    assert len(key.encode()) > 512 or check_key(key) == key


@given(PARTS, PARTS)
def test_one_begins_another_only_where_its_parts_do(parts, others):
    is_beginning = others[: len(parts)] == parts and len(others) > len(parts)

    assert joined(*others).startswith(joined(*parts, "")) == is_beginning


def test_what_can_be_read_stays_as_it_is():
    assert joined("users", "ada l.", "ünï 🐝", "a=b:c") == "users/ada l./ünï 🐝/a=b:c"
