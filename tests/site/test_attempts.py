"""Attempts to sign in are counted exactly by several workers together."""

from tests.site.attempts import try_at_once


def test_of_attempts_at_once_ten_are_looked_at(make_server):
    server = make_server()

    at_once = try_at_once(server, 16)
    one_by_one = [answer for _ in range(4) for answer in try_at_once(server, 1)]

    # One that waited too long for its turn to be counted is refused (429), and not counted: so ten in all.
    assert set(at_once + one_by_one) <= {"wrong", "too many", "429"}
    assert at_once.count("wrong") <= 10
    assert (at_once + one_by_one).count("wrong") == 10
