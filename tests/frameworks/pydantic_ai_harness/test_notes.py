"""BotWireMemoryStore: beside the harness's own in memory, written by many at once, and under the capability."""

import asyncio
import json

import pytest
from pydantic_ai import Agent
from pydantic_ai.exceptions import ToolFailed
from pydantic_ai.messages import ModelResponse, TextPart, ToolCallPart, ToolReturnPart
from pydantic_ai.models.function import FunctionModel
from pydantic_ai_harness.memory import (
    InMemoryStore,
    Memory,
    MemoryConflictError,
    MemoryOperation,
    MemoryOperationConflictError,
    MemoryStore,
    MetadataMemoryStore,
)

from botwire import AsyncMemory
from botwire.pydantic_ai_harness import BotWireMemoryStore

AGENT = """
import asyncio, sys
from tests.frameworks.pydantic_ai_harness.test_notes import BotWireMemoryStore, using

print(asyncio.run(using(BotWireMemoryStore(sys.argv[1]), sys.argv[2], sys.argv[3]))[0])
"""


async def using(store, tool: str, arguments: str) -> tuple[str, str]:
    """What an agent is told whose model calls a tool of the capability, and how the call ended."""
    told = []

    def answer(messages, info):
        results = [part for part in messages[-1].parts if isinstance(part, ToolReturnPart)]
        if not results:
            return ModelResponse(parts=[ToolCallPart(tool, arguments)])
        told.append(results[0])
        return ModelResponse(parts=[TextPart("done")])

    await Agent(FunctionModel(answer), capabilities=[Memory(store=store)]).run("Go on.")
    return told[0].model_response_str(), told[0].outcome


def operation(name: str, fingerprint: str = "f") -> MemoryOperation:
    return MemoryOperation(id=name, fingerprint=fingerprint)


@pytest.fixture
def store(server, namespace) -> BotWireMemoryStore:
    return BotWireMemoryStore(namespace, base_url=server.url)


def test_it_is_a_store_that_records_metadata(store):
    assert isinstance(store, MemoryStore)
    assert isinstance(store, MetadataMemoryStore)


async def test_it_answers_as_the_store_in_memory(store):
    async def answers(store):
        def shown(mutation):
            return mutation and (mutation.version is not None, mutation.replayed, mutation.existed)

        async def read(path, max_chars=100):
            file = await store.read(path, max_chars=max_chars)
            return file and (file.content, file.operation_id, file.truncated, file.metadata)

        async def refused(mutation):
            try:
                return shown(await mutation)
            except (MemoryConflictError, MemoryOperationConflictError) as error:
                return type(error)

        yield await read("a"), await store.get_operation(operation("1")), await store.list_paths(limit=9)
        first = await store.write("a", "ü 😀\n", expected_version=None, operation=operation("1"))
        yield (
            shown(first),
            await read("a"),
            await read("a", 2),
            (await store.read("a", max_chars=9)).version == first.version,
        )
        yield await refused(store.write("a", "lost", expected_version=None))
        yield await refused(store.write("a", "lost", expected_version="9999"))
        yield await refused(store.write("none", "lost", expected_version="9999"))
        yield await refused(store.write("a", "lost", expected_version="no number"))
        second = await store.write_with_metadata("a", "2", expected_version=first.version, metadata={"by": "ann"})
        yield shown(second), second.version != first.version, await read("a")
        yield await refused(store.write("a", "again", expected_version=None, operation=operation("1")))
        yield (await store.get_operation(operation("1"))).version == first.version, await read("a")
        yield await refused(store.write("a", "other", expected_version=None, operation=operation("1", "g")))
        yield await refused(store.delete("a", expected_version=first.version, operation=operation("2")))
        yield await refused(store.delete("a", expected_version=None, operation=operation("2")))
        yield shown(await store.delete("a", expected_version=second.version, operation=operation("2"))), await read("a")
        yield shown(await store.delete("a", expected_version=second.version, operation=operation("2")))
        yield shown(await store.delete("a", expected_version=None, operation=operation("3")))
        yield shown(await store.get_operation(operation("3")))
        again = await store.write_with_metadata("a", "new", expected_version=None, metadata={})
        yield shown(again), again.version not in (first.version, second.version), await read("a")
        for path in ("b/c", "b.md", "b/d", "ba"):
            await store.write(path, "x", expected_version=None)
        yield await store.list_paths("b/", limit=9), await store.list_paths(limit=3), await store.list_paths(limit=99)

    ours = [answer async for answer in answers(store)]

    assert ours == [answer async for answer in answers(InMemoryStore())]


@pytest.mark.parametrize("call", [lambda store: store.read("a", max_chars=0), lambda store: store.list_paths(limit=0)])
async def test_no_bound_is_a_mistake(store, call):
    with pytest.raises(ValueError, match="must be positive"):
        await call(store)


async def test_of_many_that_write_at_once_one_does(store):
    first = await store.write("a", "0", expected_version=None)

    outcomes = await asyncio.gather(
        *(store.write("a", str(number), expected_version=first.version) for number in range(8)), return_exceptions=True
    )

    assert sorted(type(outcome).__name__ for outcome in outcomes) == 7 * ["MemoryConflictError"] + ["MemoryMutation"]


async def test_an_operation_that_is_tried_many_times_at_once_is_carried_out_once(store, memory):
    outcomes = await asyncio.gather(
        *(store.write("a", "once", expected_version=None, operation=operation("1")) for _ in range(8))
    )

    assert sorted(outcome.replayed for outcome in outcomes) == [False] + 7 * [True]
    assert {outcome.version for outcome in outcomes} == {str(memory.get_entry("notes/files/a").version)}
    assert memory.usage().writes == 2


async def test_an_operation_that_changes_nothing_is_carried_out_once_too(store, memory):
    outcomes = await asyncio.gather(
        *(store.delete("none", expected_version=None, operation=operation("1")) for _ in range(8))
    )

    assert sorted(outcome.replayed for outcome in outcomes) == [False] + 7 * [True]
    assert memory.usage().writes == 1


async def test_the_capability_s_agents_append_at_once_and_lose_nothing(server, namespace, store):
    async def write(name):
        own = BotWireMemoryStore(namespace, base_url=server.url)
        for number in range(5):
            await using(own, "write_memory", json.dumps({"content": f"- {name}{number}"}))

    await asyncio.gather(write("x"), write("y"))

    notes = (await store.read("main/MEMORY.md", max_chars=10_000)).content.split()
    assert sorted(notes) == sorted([*("-" for _ in range(10)), *(f"{name}{n}" for name in "xy" for n in range(5))])


async def test_the_limits_are_told_to_the_model_and_the_run_goes_on(cramped, namespace):
    store = BotWireMemoryStore(namespace, base_url=cramped.url)

    too_large, outcome = await using(store, "write_memory", json.dumps({"content": "x" * 200}))
    await using(store, "write_memory", json.dumps({"content": "- a"}))
    over, _ = await using(store, "write_memory", json.dumps({"content": "- lost"}))

    assert outcome == "failed"
    assert "a value may have 200. Split the value over several keys." in too_large
    assert f"The namespace {namespace} has used 3 of its 3 writes of this UTC day. Write again after" in over
    assert (await store.read("main/MEMORY.md", max_chars=100)).content.strip() == "- a"


async def test_no_server_is_told_to_the_model(namespace):
    store = BotWireMemoryStore(memory=AsyncMemory(namespace, base_url="http://127.0.0.1:9", retries=0))

    with pytest.raises(ToolFailed, match=r"No answer from http://127\.0\.0\.1:9/"):
        await store.read("a", max_chars=9)


@pytest.mark.parametrize("path", ["..", "a/../b", "new\nline", "x" * 600])
async def test_a_path_that_can_not_be_one_is_told_to_the_model(store, memory, path):
    with pytest.raises(ToolFailed, match="can not be a key"):
        await store.write(path, "lost", expected_version=None, operation=operation("1"))

    assert memory.list_keys() == []


def test_an_agent_in_another_process_reads_and_finds_what_the_first_noted(run_program, namespace):
    run_program(AGENT, namespace, "write_memory", '{"content": "The cache was cold.", "file": "culprit.md"}')
    read = run_program(AGENT, namespace, "read_memory", '{"file": "culprit.md"}')
    found = run_program(AGENT, namespace, "search_memory", '{"query": "cache"}')

    assert "The cache was cold." in read
    assert "culprit.md" in found


async def test_notes_are_there_after_the_server_was_killed(server, store):
    first = await store.write("a", "before", expected_version=None, operation=operation("1"))
    server.kill()
    server.start()

    assert (await store.get_operation(operation("1"))).version == first.version
    assert (await store.write("a", "after", expected_version=first.version)).existed is True


def test_the_program_of_the_page_does_what_it_says(run_page):
    run_page("pydantic-ai-harness")
