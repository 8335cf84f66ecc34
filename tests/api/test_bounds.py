"""How many may wait: at the bound and one past it, on each count."""

import contextlib

import pytest

from api.lane.bounds import Bounds
from namespaces.errors import TooManyWaiters


@pytest.fixture
def limits(settings):
    settings.LIMITS = {
        **settings.LIMITS,
        "waiters_per_process": 4,
        "waiters_per_namespace": 3,
        "waiters_per_address": 2,
    }


@pytest.fixture
def wait(limits):
    bounds = Bounds()
    with contextlib.ExitStack() as waiting:
        yield lambda namespace, address: waiting.enter_context(bounds.room_for(namespace, address))


def test_an_address_has_room_up_to_its_bound(wait):
    wait("a", "192.0.2.1")
    wait("b", "192.0.2.1")

    with pytest.raises(TooManyWaiters) as refused:
        wait("c", "192.0.2.1")

    assert refused.value.facts == {"limit": 2, "retry_after": 5}
    assert str(refused.value) == "2 requests wait from your address, which is the limit."
    wait("c", "192.0.2.2")


def test_a_namespace_has_room_up_to_its_bound(wait):
    for number in range(3):
        wait("a", f"192.0.2.{number}")

    with pytest.raises(TooManyWaiters) as refused:
        wait("a", "192.0.2.9")

    assert refused.value.facts["limit"] == 3
    wait("b", "192.0.2.9")


def test_a_process_has_room_up_to_its_bound(wait):
    for number in range(4):
        wait(f"n{number}", f"192.0.2.{number}")

    with pytest.raises(TooManyWaiters) as refused:
        wait("b", "192.0.2.9")

    assert refused.value.facts["limit"] == 4


def test_who_waits_no_more_leaves_room(limits):
    bounds = Bounds()

    for _ in range(10):
        with bounds.room_for("a", "192.0.2.1"), bounds.room_for("a", "192.0.2.1"):
            pass

    assert not bounds._by_namespace
    assert not bounds._by_address
