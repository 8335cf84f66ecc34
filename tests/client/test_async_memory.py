"""What AsyncMemory promises beyond Memory, against a real server on both databases."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

import pytest

from botwire import AsyncMemory, KeyNotFoundError, NamespaceNotFoundError, PreconditionFailedError
from tests.client.samples import HOSTILE_KEYS, HOSTILE_VALUES, exactly


def test_every_key_and_value_comes_back_as_it_went_in(server, namespace, run):
    pairs = [*zip(HOSTILE_KEYS, HOSTILE_VALUES * 2, strict=False)]

    async def write_and_read():
        async with AsyncMemory(namespace, base_url=server.url) as memory:
            await asyncio.gather(*(memory.set(key, value) for key, value in pairs))
            return await asyncio.gather(*(memory.get(key) for key, _ in pairs)), await memory.list_keys()

    values, keys = run(write_and_read())

    assert [*map(exactly, values)] == [exactly(value) for _, value in pairs]
    assert keys == sorted(HOSTILE_KEYS, key=str.encode)


def test_every_method_does_what_the_blocking_one_does(server, namespace, run):
    async def work():
        async with AsyncMemory(namespace, base_url=server.url, agent="tester") as memory:
            with pytest.raises(NamespaceNotFoundError):
                await memory.usage()
            assert await memory.clear() == 0
            created = await memory.set("user:1", [1])
            with pytest.raises(PreconditionFailedError):
                await memory.set("user:1", [2], if_absent=True)
            await memory.set("user:1", [2], if_version=created.version, ttl=60)
            await memory.set("user:2", None)
            await memory.set("other", 1)
            assert (await memory.get_entry("user:1")).writer.name == "tester"
            assert await memory.get("missing", "default") == "default"
            with pytest.raises(KeyNotFoundError):
                await memory.get_entry("missing")
            assert [await memory.exists(key) for key in ("user:1", "user:")] == [True, False]
            assert await memory.keys("user:") == await memory.list("user:") == ["user:1", "user:2"]
            assert [pair async for pair in memory.items("user:")] == [("user:1", [2]), ("user:2", None)]
            assert [key async for key in memory] == ["other", "user:1", "user:2"]
            assert [await memory.delete("other"), await memory.delete("other")] == [True, False]
            assert await memory.clear("user:") == 2
            return (await memory.usage()).entries

    assert run(work()) == 0


def test_lists_longer_than_a_page_come_whole_and_in_order(cramped, namespace, run):
    async def work():
        async with AsyncMemory(namespace, base_url=cramped.url) as memory:
            for number in range(20):
                await memory.set(f"key-{number:02}", number)
            return await memory.list_keys(), [value async for _, value in memory.items()]

    keys, values = run(work())

    assert keys == [f"key-{number:02}" for number in range(20)]
    assert values == [*range(20)]


def test_one_memory_works_in_one_event_loop_after_another(server, namespace, run):
    memory = AsyncMemory(namespace, base_url=server.url)

    for number in range(3):
        run(memory.set("tsla", number))

    assert run(memory.get("tsla")) == 2
    run(memory.close())


def test_one_memory_works_in_several_event_loops_at_once(server, namespace, run):
    memory = AsyncMemory(namespace, base_url=server.url)

    async def write(name: str) -> None:
        for number in range(10):
            await memory.set(f"{name}-{number}", number)

    with ThreadPoolExecutor(4) as threads:
        finished = [*threads.map(lambda name: run(write(name)), ["a", "b", "c", "d"])]

    assert len(finished) == 4
    assert len(run(memory.list_keys())) == 40


def test_loops_that_ended_are_forgotten(server, namespace, run):
    memory = AsyncMemory(namespace, base_url=server.url)

    for _ in range(3):
        run(memory.get("tsla"))

    assert len(memory._clients) == 1


def test_a_closed_memory_raises_runtime_error(server, namespace, run):
    async def work():
        memory = AsyncMemory(namespace, base_url=server.url)
        await memory.get("tsla")
        await memory.aclose()
        await memory.get("tsla")

    with pytest.raises(RuntimeError, match="is closed"):
        run(work())


def test_a_cancelled_call_leaves_the_memory_usable(misbehaving, server, namespace, run):
    async def work():
        async with AsyncMemory(namespace, base_url=server.url) as memory:
            for _ in range(20):
                task = asyncio.create_task(memory.set("tsla", 1))
                await asyncio.sleep(0.001)
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
            await memory.set("tsla", 2)
            return await memory.get("tsla")

    assert run(work()) == 2
