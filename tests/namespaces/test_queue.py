"""Where writes wait: bounded, first come first served in a namespace, and fair between namespaces."""

import pytest

from namespaces.engine.queue import FairQueue, QueueFull


def filled(**waiting: int) -> FairQueue[str]:
    queue: FairQueue[str] = FairQueue(100)
    for namespace, number in waiting.items():
        for item in range(number):
            queue.put(namespace, f"{namespace}{item}")
    return queue


def test_namespaces_take_turns_however_many_writes_one_has():
    queue = filled(a=50, b=2, c=1)

    assert queue.take(6) == ["a0", "b0", "c0", "a1", "b1", "a2"]
    assert queue.take(2) == ["a3", "a4"]
    assert len(queue) == 45


def test_one_that_was_served_waits_for_all_others():
    queue = filled(a=50, b=2)

    assert queue.serve(32) == ("a", [f"a{n}" for n in range(32)])
    queue.put("a", "late")
    assert queue.serve(32) == ("b", ["b0", "b1"])
    assert queue.serve(32) is None, "a is still being served"
    queue.served("a")
    assert queue.serve(32) == ("a", [*(f"a{n}" for n in range(32, 50)), "late"])


def test_a_namespace_that_was_served_empty_leaves_nothing_behind():
    queue = filled(a=1)
    queue.serve(32)
    queue.served("a")

    assert queue.serve(32) is None
    assert len(queue) == 0


def test_no_more_wait_than_may():
    queue: FairQueue[int] = FairQueue(2)
    queue.put("a", 1)
    queue.put("b", 2)

    with pytest.raises(QueueFull):
        queue.put("c", 3)

    queue.take(1)
    queue.put("c", 3)
    assert queue.take(9) == [2, 3]


def test_what_waits_too_long_is_dropped_wherever_it_stands():
    queue = filled(a=3, b=1)

    assert queue.drop(lambda item: item in ("a1", "b0")) == ["a1", "b0"]
    assert queue.take(9) == ["a0", "a2"]
    assert len(queue) == 0
