"""Many entries at once, and transactions; against a real server on both databases."""

import pytest

from botwire import (
    AsyncMemory,
    DailyWriteLimitError,
    Memory,
    PreconditionFailedError,
    TransactionConflictError,
    WrongTypeError,
)
from tests.client.losing import AsyncLosing, Losing
from tests.client.samples import HOSTILE_KEYS, HOSTILE_VALUES, exactly


def test_what_is_set_together_comes_back_as_it_went_in(memory):
    entries = dict(zip(HOSTILE_KEYS, HOSTILE_VALUES * 2, strict=False))

    memory.set_many(entries)
    found = memory.get_many([*HOSTILE_KEYS, "missing"])

    assert {key: exactly(value) for key, value in found.items()} == {
        key: exactly(value) for key, value in entries.items()
    }
    assert memory.delete_many(["missing", *HOSTILE_KEYS]) == len(HOSTILE_KEYS)
    assert len(memory) == 0


def test_nothing_at_once_is_no_request(recorded, requests_sent):
    recorded.set_many({})
    with recorded.transaction():
        pass

    assert (recorded.get_many([]), recorded.delete_many([])) == ({}, 0)
    assert requests_sent == []


def test_more_than_a_batch_takes_is_sent_in_parts(server, namespace):
    with Memory(namespace, base_url=server.url) as memory:
        entries = {f"key-{number:04}": number for number in range(501)}

        memory.set_many(entries)

        assert memory.get_many(entries) == entries
        assert memory.delete_many([*("missing" for _ in range(500)), "key-0000"]) == 1


def test_more_bytes_than_a_batch_takes_are_sent_and_read_in_parts(memory):
    entries = {f"key-{number}": str(number) * 900_000 for number in range(10)}

    memory.set_many(entries)

    assert memory.get_many(entries) == entries


def test_a_batch_that_is_refused_writes_nothing(cramped, namespace):
    with Memory(namespace, base_url=cramped.url) as memory:
        with pytest.raises(DailyWriteLimitError) as caught:
            memory.set_many({f"key-{number}": number for number in range(61)})

        assert caught.value.operation == 60
        assert memory.list_keys() == []


def test_a_batch_whose_answer_was_lost_is_carried_out_once(server, namespace):
    transport = Losing(times=2)
    with Memory(namespace, base_url=server.url, transport=transport) as memory:
        memory.set_many({"a": 1, "b": 2})

        assert memory.delete_many(["a", "c"]) == 1
        assert transport.lost == 2
        assert memory.usage().revision == 3


# --- transactions


def test_a_transaction_writes_all_at_its_end(memory):
    memory.set("balance", 100)

    with memory.transaction() as t:
        balance = t.get("balance")
        t.set("balance", balance - 10, ttl=600)
        t.append("log", ["paid", 10])
        t.increment("count", 2)
        t.merge("state", {"a": 1}, initial={})
        t.patch("state", [{"op": "add", "path": "/b", "value": 2}])
        t.pop("log", first=True)
        t.delete("missing")
        assert memory.get("log") is None

    assert memory.get_many(["balance", "log", "count", "state"]) == {
        "balance": 90, "log": [], "count": 2, "state": {"a": 1, "b": 2},
    }  # fmt: skip
    assert t.results == [2, 1, 2, {"a": 1}, {"a": 1, "b": 2}, [["paid", 10]], False]
    assert t.revision == memory.usage().revision == 7


@pytest.mark.parametrize("before", [True, False], ids=["changed", "made"])
def test_what_was_read_must_still_be_so(before, memory):
    if before:
        memory.set("balance", 100)

    with pytest.raises(TransactionConflictError) as caught, memory.transaction() as t:  # noqa: PT012
        t.get("balance")
        memory.set("balance", 50)
        t.set("balance", 90)
        t.append("log", 1)

    assert isinstance(caught.value, PreconditionFailedError)
    assert (caught.value.key, caught.value.current_version) == ("balance", memory.get_entry("balance").version)
    assert dict(memory.items()) == {"balance": 50}


def test_a_read_is_made_once_and_stays(memory):
    memory.set("a", [1])

    with memory.transaction() as t:
        first = t.get("a")
        memory.set("b", 2)
        assert t.get("a") is first
        assert t.get("missing", "default") == "default"

    assert t.revision is None


def test_a_key_can_not_be_read_after_it_was_written(memory):
    with pytest.raises(ValueError, match="already"), memory.transaction() as t:  # noqa: PT012
        t.set("a", 1)
        t.get("a")
    assert memory.list_keys() == []


def test_an_exception_in_the_block_leaves_nothing(memory):
    with pytest.raises(ZeroDivisionError), memory.transaction() as t:  # noqa: PT012
        t.set("a", 1)
        raise ZeroDivisionError

    assert memory.list_keys() == []


def test_a_refusal_of_one_write_refuses_all(memory):
    memory.set("log", {})

    with pytest.raises(WrongTypeError) as caught, memory.transaction() as t:  # noqa: PT012
        t.set("a", 1)
        t.append("log", 1)

    assert caught.value.operation == 1
    assert memory.list_keys() == ["log"]


def test_the_async_client_does_the_same(server, namespace, run):
    async def work():
        transport = AsyncLosing()
        async with AsyncMemory(namespace, base_url=server.url, transport=transport) as memory:
            await memory.set_many({"a": 1, "b": 2})
            async with memory.transaction() as t:
                t.set("a", await t.get("a") + 1)
            with pytest.raises(TransactionConflictError):  # noqa: PT012
                async with memory.transaction() as t:
                    await t.get("a")
                    await memory.set("a", 5)
                    t.set("a", 6)
            return await memory.get_many(["a", "b", "c"]), await memory.delete_many(["a", "c"]), transport.lost

    assert run(work()) == ({"a": 5, "b": 2}, 1, 1)
