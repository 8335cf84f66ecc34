"""append, pop, increment, merge, patch and update, against a real server on both databases; Memory and AsyncMemory."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from botwire import (
    AsyncMemory,
    KeyNotFoundError,
    PatchFailedError,
    PreconditionFailedError,
    TargetMissingError,
    UnsupportedValueError,
    WrongTypeError,
)


def test_append_makes_the_list_and_tells_its_length(memory):
    assert [memory.append("log", value) for value in ("a", None, {"b": [1]})] == [1, 2, 3]
    assert memory.get("log") == ["a", None, {"b": [1]}]


def test_append_keeps_the_newest(memory):
    assert [memory.append("log", number, max_length=3) for number in range(5)] == [1, 2, 3, 3, 3]
    assert memory.get("log") == [2, 3, 4]


def test_append_leaves_the_expiry_as_it_is(memory):
    expires_at = memory.set("log", [], ttl=600).expires_at

    memory.append("log", 1)

    assert memory.get_entry("log").expires_at == expires_at


def test_append_to_something_else_is_refused_with_what_is_there(memory):
    version = memory.set("log", {"a": 1}).version

    with pytest.raises(WrongTypeError) as caught:
        memory.append("log", 1)

    assert (caught.value.current_type, caught.value.current_version) == ("object", version)
    assert memory.get("log") == {"a": 1}


def test_pop_takes_from_either_end(memory):
    memory.set("queue", [1, 2, 3, 4, 5, 6])

    assert memory.pop("queue") == 6
    assert memory.pop("queue", first=True) == 1
    assert memory.pop_many("queue", 2) == [4, 5]
    assert memory.pop_many("queue", 9, first=True) == [2, 3]
    assert memory.get("queue") == []


@pytest.mark.parametrize("is_there", [True, False])
def test_pop_of_nothing_gives_the_default_or_raises(is_there, memory):
    if is_there:
        memory.set("queue", [])

    assert memory.pop("queue", None) is None
    assert memory.pop_many("queue", 3) == []
    with pytest.raises(TargetMissingError) as caught:
        memory.pop("queue")
    assert isinstance(caught.value, LookupError)


def test_increment_is_exact_for_integers_of_any_size(memory):
    assert memory.increment("visits") == 1
    assert memory.increment("visits", 10**60) == 10**60 + 1
    assert memory.increment("visits", -(10**60)) == 1
    assert memory.increment("price", 0.1, initial=0.2) == 0.1 + 0.2


def test_increment_without_initial_needs_something_to_add_to(memory):
    with pytest.raises(TargetMissingError):
        memory.increment("visits", initial=None)
    assert not memory.exists("visits")


@pytest.mark.parametrize(("by", "kind"), [(True, TypeError), ("1", TypeError), (float("nan"), UnsupportedValueError)])
def test_increment_by_what_is_no_number_is_refused_before_anything_is_sent(by, kind, recorded, requests_sent):
    with pytest.raises(kind):
        recorded.increment("visits", by)
    assert requests_sent == []


def test_merge_sets_and_removes_members(memory):
    memory.set("state", {"a": {"b": 1, "c": 2}, "d": 3})

    assert memory.merge("state", {"a": {"b": None, "e": 5}}) == {"a": {"c": 2, "e": 5}, "d": 3}
    with pytest.raises(TargetMissingError):
        memory.merge("missing", {"a": 1})
    assert memory.merge("missing", {"a": 1}, initial={"b": 2}) == {"b": 2, "a": 1}


def test_patch_changes_all_or_nothing(memory):
    memory.set("state", {"a": [1, 2]})

    assert memory.patch("state", [{"op": "add", "path": "/a/-", "value": 3}]) == {"a": [1, 2, 3]}
    with pytest.raises(PreconditionFailedError):
        memory.patch("state", [{"op": "remove", "path": "/a"}, {"op": "test", "path": "/b", "value": 1}])
    with pytest.raises(PatchFailedError):
        memory.patch("state", [{"op": "remove", "path": "/missing"}])
    assert memory.get("state") == {"a": [1, 2, 3]}


def test_update_applies_a_function(memory):
    assert memory.update("team", lambda names: [*names, "ann"], []) == ["ann"]
    assert memory.update("team", lambda names: [*names, "bob"], []) == ["ann", "bob"]


def test_update_gives_the_function_a_default_of_its_own(memory):
    default: list[int] = []

    memory.update("one", lambda values: values.append(1) or values, default)
    memory.update("two", lambda values: values.append(2) or values, default)

    assert (memory.get("one"), memory.get("two"), default) == ([1], [2], [])


def test_update_loses_nothing_of_others(memory):
    barrier = threading.Barrier(6)

    def work(name: int) -> None:
        barrier.wait()
        for number in range(10):
            memory.update("numbers", lambda numbers, mine=[name, number]: [*numbers, mine], [])

    with ThreadPoolExecutor(6) as threads:
        finished = [*threads.map(work, range(6))]

    assert len(finished) == 6
    assert sorted(memory.get("numbers")) == [[name, number] for name in range(6) for number in range(10)]


def test_update_ends_after_its_timeout(memory):
    memory.set("number", 0)

    def interfere(number: int) -> int:
        memory.set("number", number + 1)
        return -1

    with pytest.raises(PreconditionFailedError):
        memory.update("number", interfere, timeout=0.3)

    assert memory.get("number") > 0


def test_what_the_function_raises_is_passed_on_and_nothing_is_written(memory):
    with pytest.raises(ZeroDivisionError):
        memory.update("number", lambda number: number / 0, 1)
    with pytest.raises(KeyNotFoundError):
        memory["number"]


def test_the_async_client_does_the_same(server, namespace, run):
    async def work():
        async with AsyncMemory(namespace, base_url=server.url) as memory:
            with pytest.raises(TargetMissingError):
                await memory.pop("log")
            return [
                await memory.append("log", 1), await memory.append("log", 2, max_length=1), await memory.pop("log"),
                await memory.pop("log", "default"), await memory.pop_many("log", 2), await memory.increment("n", 2),
                await memory.merge("o", {"a": 1}, initial={}),
                await memory.patch("o", [{"op": "remove", "path": "/a"}]),
                await memory.update("u", lambda names: [*names, 1], []),
            ]  # fmt: skip

    assert run(work()) == [1, 1, 2, "default", [], 2, {"a": 1}, {}, [1]]
