"""Checkpoints on a real server, of real graphs; what LangGraph's suite of conformance leaves out."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime

import pytest
from langchain_core.messages import AIMessage, HumanMessage
from langgraph.checkpoint.base import empty_checkpoint
from langgraph.types import Command

from botwire import (
    AsyncMemory,
    BodyTooLargeError,
    BotWireConnectionError,
    DailyWriteLimitError,
    Memory,
    ValueTooLargeError,
)
from botwire.langgraph import BotWireSaver, BotWireStore
from tests.frameworks.langgraph.graphs import counting, remembering, thread
from tests.polling import wait_until

RUN = """
import sys
from botwire.langgraph import BotWireSaver
from langgraph.types import Command
from tests.frameworks.langgraph.graphs import counting, thread

graph = counting(BotWireSaver(sys.argv[1]))
print(graph.invoke(eval(sys.argv[2]), thread("t"))["log"])
"""


@pytest.fixture
def saver(server, namespace) -> BotWireSaver:
    return BotWireSaver(namespace, base_url=server.url)


def put(saver, thread_id, checkpoint_ns="", **values):
    config = {"configurable": {"thread_id": thread_id, "checkpoint_ns": checkpoint_ns}}
    checkpoint = {**empty_checkpoint(), "channel_values": values, "channel_versions": dict.fromkeys(values, 1)}
    return saver.put(config, checkpoint, {"source": "loop", "step": 1}, dict.fromkeys(values, 1))


def test_a_graph_that_was_interrupted_goes_on_in_another_process(run_program, namespace):
    begun = run_program(RUN, namespace, "{'log': [], 'number': 7}")
    resumed = run_program(RUN, namespace, "Command(resume=3)")

    assert begun == "['first 7']\n"
    assert resumed == "['first 7', 'told 3']\n"


@pytest.mark.parametrize(("durability", "writes"), [("sync", 9), ("async", 9), ("exit", 3)])
def test_a_run_takes_the_writes_that_the_page_says(saver, memory, durability, writes):
    graph = counting(saver)

    graph.invoke({"log": [], "number": 1}, thread("t"), durability=durability)
    graph.invoke(Command(resume="x"), thread("t"), durability=durability)

    assert memory.usage().writes == writes
    assert graph.get_state(thread("t")).values["log"] == ["first 1", "told x"]


def test_every_step_can_be_gone_back_to(saver):
    graph = counting(saver)
    graph.invoke({"log": [], "number": 1}, thread("t"))
    graph.invoke(Command(resume="x"), thread("t"))

    history = [*graph.get_state_history(thread("t"))]

    assert [state.values["log"] for state in history] == [["first 1", "told x"], ["first 1"], [], []]
    assert [state.metadata["step"] for state in history] == [2, 1, 0, -1]
    forked = graph.update_state(history[1].config, {"log": ["forked"]})
    assert graph.get_state(forked).values["log"] == ["first 1", "forked"]


def test_a_restart_in_the_middle_loses_no_step(server, saver):
    graph = counting(saver)
    graph.invoke({"log": [], "number": 1}, thread("t"))
    server.kill()

    with pytest.raises(BotWireConnectionError):
        graph.invoke(Command(resume="lost"), thread("t"))
    server.start()

    assert graph.invoke(Command(resume="kept"), thread("t"))["log"] == ["first 1", "told kept"]


async def test_a_graph_is_awaited_the_same(server, namespace):
    async with AsyncMemory(namespace, base_url=server.url) as memory:
        graph = counting(BotWireSaver(memory=memory))

        await graph.ainvoke({"log": [], "number": 1}, thread("t"))
        done = await graph.ainvoke(Command(resume="x"), thread("t"))
        steps = [state.metadata["step"] async for state in graph.aget_state_history(thread("t"))]

    assert done["log"] == ["first 1", "told x"]
    assert steps == [2, 1, 0, -1]


@pytest.mark.parametrize("name", ["a/b", "..", "100%", "%2F", " ", "🐝", "", "a//b", "é|x:y", "\x7f"])
def test_any_thread_and_any_namespace_will_do(saver, name):
    put(saver, name, name, k=name)
    put(saver, name + "x", name, k="other")

    (found,) = saver.list({"configurable": {"thread_id": name, "checkpoint_ns": name}})

    assert found.checkpoint["channel_values"] == {"k": name}
    assert found.config["configurable"]["thread_id"] == name
    assert found.config["configurable"]["checkpoint_ns"] == name


def test_no_two_threads_share_a_checkpoint(saver):
    for name, space in [("a", "b/c"), ("a/b", "c"), ("a%2Fb", "c"), ("a", "b")]:
        put(saver, name, space, k=[name, space])

    saver.delete_thread("a")

    assert sorted(found.checkpoint["channel_values"]["k"] for found in saver.list(None)) == [
        ["a%2Fb", "c"],
        ["a/b", "c"],
    ]


def test_what_python_knows_beyond_json_comes_back(saver):
    values = {
        "messages": [HumanMessage("hi", id="1"), AIMessage("lo", id="2")], "set": {1, 2},
        "bytes": b"\x00\xff", "time": datetime(2026, 1, 2, tzinfo=UTC), "big": 2**63, "none": None, "nan": "NaN",
        "surrogate": "x\u0000y", "dict": {1: "int key"},
    }  # fmt: skip

    config = put(saver, "t", **values)

    assert saver.get_tuple(config).checkpoint["channel_values"] == values


def test_a_checkpoint_longer_than_a_value_is_one_write_of_many_parts_or_none(saver, memory):
    text = "🐝" * 1_000_000  # 4 MB, as Base64 more than five values

    config = put(saver, "t", text=text)

    assert saver.get_tuple(config).checkpoint["channel_values"] == {"text": text}
    assert len(memory.list_keys()) == 8
    with pytest.raises(BodyTooLargeError):
        put(saver, "u", text=text * 2)
    assert [*saver.list(thread("u"))] == []


def test_a_server_that_is_killed_leaves_no_half_checkpoint(server, namespace, saver):
    def write(number: int) -> None:
        own = BotWireSaver(memory=Memory(namespace, base_url=server.url, retries=0))
        with suppress(BotWireConnectionError):
            for step in range(1_000):
                put(own, f"{number} {step}", text=f"{number}" * 1_500_000)

    with ThreadPoolExecutor(2) as threads:
        writing = [threads.submit(write, number) for number in range(2)]
        wait_until(lambda: len([*saver.list(None)]) > 2)
        server.kill()
        for one in writing:
            one.result()
    server.start()

    texts = [found.checkpoint["channel_values"]["text"] for found in saver.list(None)]
    assert len(texts) > 2
    assert {(len(text), len(set(text))) for text in texts} == {(1_500_000, 1)}


def test_a_checkpoint_that_is_refused_leaves_nothing(cramped, namespace):
    with Memory(namespace, base_url=cramped.url) as memory:
        saver = BotWireSaver(memory=memory)

        with pytest.raises(ValueTooLargeError):
            put(saver, "t", text="x" * 300)

        assert memory.list_keys() == []


def test_the_limit_is_told_and_leaves_the_checkpoints_there_are(few_writes, namespace):
    graph = counting(BotWireSaver(namespace, base_url=few_writes.url))

    graph.invoke({"log": [], "number": 0}, thread("0"))

    with pytest.raises(DailyWriteLimitError, match="10 writes"):
        graph.invoke({"log": [], "number": 1}, thread("1"))

    assert graph.get_state(thread("0")).values["log"] == ["first 0"]


def test_many_threads_two_at_once_keep_theirs(server, namespace, saver):
    def run(number: int) -> list[str]:
        graph = counting(BotWireSaver(namespace, base_url=server.url))
        graph.invoke({"log": [], "number": number}, thread(str(number)))
        return graph.invoke(Command(resume=number), thread(str(number)))["log"]

    with ThreadPoolExecutor(2) as threads:
        logs = [*threads.map(run, range(10))]

    assert logs == [[f"first {number}", f"told {number}"] for number in range(10)]
    assert len({found.config["configurable"]["thread_id"] for found in saver.list(None)}) == 10


def test_what_two_tasks_write_at_once_is_kept(saver):
    config = put(saver, "t", k=1)

    with ThreadPoolExecutor(8) as threads:
        tasks = [f"task {number % 4}" for number in range(16)]
        list(threads.map(lambda task: saver.put_writes(config, [("a", task), ("b", task)], task, task), tasks))

    assert saver.get_tuple(config).pending_writes == [
        (f"task {number}", channel, f"task {number}") for number in range(4) for channel in "ab"
    ]


def test_what_a_task_wrote_stays_but_for_an_error(saver):
    config = put(saver, "t", k=1)

    saver.put_writes(config, [("a", 1), ("__error__", "first")], "task")
    saver.put_writes(config, [("a", 2), ("__error__", "second"), ("c", 3)], "task")

    assert sorted(saver.get_tuple(config).pending_writes) == [
        ("task", "__error__", "second"), ("task", "a", 1), ("task", "c", 3)
    ]  # fmt: skip


def test_pruning_leaves_what_a_delta_channel_is_put_together_from(saver):
    graph = remembering(saver)
    for _ in range(3):
        graph.invoke({"log": ["begin"]}, thread("t"))
    before = graph.get_state(thread("t")).values["log"]

    saver.prune(["t"])

    assert len(before) == 6
    assert graph.get_state(thread("t")).values["log"] == before


def test_store_and_saver_share_a_memory_and_see_nothing_of_each_other(memory):
    saver, store = BotWireSaver(memory=memory), BotWireStore(memory=memory)
    put(saver, "t", k=1)
    store.put(("n",), "k", {})

    saver.delete_thread("t")

    assert [item.key for item in store.search(())] == ["k"]
    assert [*saver.list(None)] == []
