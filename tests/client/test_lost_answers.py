"""A write that carries an Idempotency-Key has one effect, although its answer was lost and it was sent again."""

import pytest

from botwire import AsyncMemory, BotWireConnectionError, Memory
from tests.client.losing import AsyncLosing, Losing


@pytest.fixture
def losing(server, namespace):
    """A Memory that loses the first two answers to writes, and with it one that loses none."""
    transport = Losing(times=2)
    with (
        Memory(namespace, base_url=server.url, transport=transport) as losing,
        Memory(namespace, base_url=server.url) as memory,
    ):
        memory.set("list", [0])
        memory.set("number", 10)
        memory.set("object", {"a": 1})
        yield losing, memory
    assert transport.lost == 2


CHANGES = {
    "append": (lambda memory: memory.append("list", 1), 2, "list", [0, 1]),
    "pop": (lambda memory: memory.pop("list"), 0, "list", []),
    "increment": (lambda memory: memory.increment("number", 5), 15, "number", 15),
    "merge": (lambda memory: memory.merge("object", {"b": 2}), {"a": 1, "b": 2}, "object", {"a": 1, "b": 2}),
    "patch": (
        lambda memory: memory.patch("list", [{"op": "add", "path": "/-", "value": 7}]), [0, 7], "list", [0, 7],
    ),
    "update": (lambda memory: memory.update("number", lambda number: number * 2), 20, "number", 20),
}  # fmt: skip


@pytest.mark.parametrize(("act", "result", "key", "value"), CHANGES.values(), ids=CHANGES.keys())
def test_a_change_is_made_once(act, result, key, value, losing):
    memory, sound = losing
    revision = sound.usage().revision

    assert act(memory) == result

    assert sound.get(key) == value
    assert sound.usage().revision == revision + 1


def test_a_compare_and_set_that_happened_is_not_taken_for_a_conflict(losing):
    memory, sound = losing
    version = sound.get_entry("number").version

    result = memory.set("number", 11, if_version=version)

    assert result.version == sound.get_entry("number").version == sound.usage().revision


def test_a_set_without_condition_is_not_repeated(server, namespace):
    with (
        Memory(namespace, base_url=server.url, transport=Losing()) as memory,
        pytest.raises(BotWireConnectionError) as caught,
    ):
        memory.set("number", 1)

    assert caught.value.is_outcome_unknown
    with Memory(namespace, base_url=server.url) as sound:
        assert sound.usage().revision == 1


def test_where_every_answer_is_lost_the_outcome_is_unknown_and_the_effect_still_one(server, namespace):
    with (
        Memory(namespace, base_url=server.url, transport=Losing(times=99), retries=3) as memory,
        pytest.raises(BotWireConnectionError) as caught,
    ):
        memory.append("list", 1)

    assert caught.value.is_outcome_unknown
    with Memory(namespace, base_url=server.url) as sound:
        assert sound.get("list") == [1]


def test_the_async_client_too_makes_a_change_once(server, namespace, run):
    async def work():
        transport = AsyncLosing(times=2)
        async with AsyncMemory(namespace, base_url=server.url, transport=transport) as memory:
            results = [
                await memory.append("list", 1), await memory.increment("number"),
                await memory.merge("object", {"a": 1}, initial={}), await memory.pop("list"),
            ]  # fmt: skip
            return results, transport.lost, (await memory.usage()).revision

    assert run(work()) == ([1, 1, {"a": 1}, 1], 2, 4)
