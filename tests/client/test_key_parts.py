"""What adapters make keys of: any text as a part of a key, and back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from botwire._names import check_key, key_part, text_of_part


@given(st.text(st.characters(exclude_categories=()), max_size=40))
def test_any_text_is_a_part_of_a_key_and_comes_back(text):
    part = key_part(text)

    assert "/" not in part
    assert check_key(f"prefix/{part}/end") == f"prefix/{part}/end"
    assert text_of_part(part) == text


@pytest.mark.parametrize("text", ["ann", "user:42", "ünï 😀", "what?#&=+", "...", "a.b"])
def test_what_can_stand_in_a_key_stays_as_it_is(text):
    assert key_part(text) == text


@pytest.mark.parametrize(
    ("text", "part"), [("a/b", "a%2Fb"), ("100%", "100%25"), (".", "%2E"), ("..", "%2E%2E"), ("a\nb", "a%0Ab")]
)
def test_what_can_not_is_percent_encoded(text, part):
    assert key_part(text) == part
