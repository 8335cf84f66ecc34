"""The tools on a real server, called as CrewAI calls them."""

import asyncio
import json
from concurrent.futures import ThreadPoolExecutor

import pytest
from crewai.tools import BaseTool
from crewai.tools.tool_failure import ToolFailure

from botwire import Memory
from botwire.memory import memory_tools

JSON_VALUES = [
    None, True, False, 0, 1, -7, 10**30, 1.5, 1.0, -0.0, 1e300, "", "1", "true", "null", "ünï©ode 🐝", "line\nbreak",
    [], [1, [2, [3]]], {}, {"b": 1, "a": {"c": [None, "x", 2.5]}},
]  # fmt: skip


@pytest.fixture
def tools(memory) -> dict[str, BaseTool]:
    return {tool.name: tool for tool in memory_tools(memory=memory, extra=["wait_for", "append_to_list"])}


def test_there_are_exactly_three(server, namespace):
    tools = memory_tools(namespace, base_url=server.url)

    assert [tool.name for tool in tools] == ["remember", "recall", "list_memory"]
    assert all(isinstance(tool, BaseTool) for tool in tools)


def test_their_arguments_have_types_that_a_model_can_fill(tools):
    schemas = {name: tool.args_schema.model_json_schema()["properties"] for name, tool in tools.items()}

    assert {name: list(properties) for name, properties in schemas.items()} == {
        "remember": ["key", "value"], "recall": ["key"], "list_memory": [],
        "wait_for": ["key", "seconds"], "append_to_list": ["key", "value"],
    }  # fmt: skip
    assert {row["type"] for row in schemas["remember"]["value"]["anyOf"]} == {
        "boolean", "integer", "number", "string", "array", "object", "null",
    }  # fmt: skip


@pytest.mark.parametrize("value", JSON_VALUES, ids=repr)
def test_a_value_is_recalled_as_it_was_remembered(tools, memory, value):
    tools["remember"].run(key="k", value=value)

    assert tools["recall"].run(key="k") == json.dumps(value, ensure_ascii=False)
    stored = memory.get("k")
    assert (type(stored), stored) == (type(value), value)


@pytest.mark.parametrize("key", ["a/b", "100%", "what?", "#", " ", "a  b", "🐝", "user:42", "a\\b", "'\"", "x" * 512])
def test_any_key_will_do(tools, key):
    tools["remember"].run(key=key, value=[key])

    assert json.loads(tools["recall"].run(key=key)) == [key]
    assert json.loads(tools["list_memory"].run()) == [key]


@pytest.mark.parametrize("key", ["", "..", "a/../b", "a\x00b", "x" * 513, "\ud800"])
def test_what_can_not_be_a_key_is_told(tools, memory, key):
    told = tools["remember"].run(key=key, value=1)

    assert isinstance(told, ToolFailure)
    assert told.code == "invalid_key"
    assert "can not be a key" in told.as_agent_message()
    assert memory.list_keys() == []


def test_nothing_remembered_is_told(tools):
    assert tools["recall"].run(key="k") == 'Nothing is remembered under "k".'
    assert tools["list_memory"].run() == "[]"


def test_null_is_a_value(tools):
    tools["remember"].run(key="k", value=None)

    assert tools["recall"].run(key="k") == "null"


def test_two_writers_at_once_lose_nothing_of_a_list(server, namespace, memory):
    def write(writer: int) -> None:
        (append,) = memory_tools(namespace, base_url=server.url, extra=["append_to_list"])[3:]
        for number in range(25):
            append.run(key="log", value=[writer, number])

    with ThreadPoolExecutor(2) as threads:
        list(threads.map(write, range(2)))

    log = memory.get("log")
    assert [[number for writer, number in log if writer == one] for one in range(2)] == [[*range(25)], [*range(25)]]


def test_waiting_gives_what_another_remembers(tools, memory):
    with ThreadPoolExecutor(1) as threads:
        waiting = threads.submit(tools["wait_for"].run, key="answer", seconds=30)
        memory.set("answer", 42)

        assert waiting.result() == "42"


def test_waiting_in_vain_is_told(tools):
    told = tools["wait_for"].run(key="answer", seconds=0.2)

    assert isinstance(told, ToolFailure)
    assert "answer" in told.message


def test_they_run_asynchronously(tools):
    async def both():
        await tools["remember"].arun(key="k", value={"a": 1})
        return await tools["recall"].arun(key="k")

    assert asyncio.run(both()) == '{"a": 1}'


def test_a_restart_in_the_middle_loses_nothing(server, tools):
    tools["remember"].run(key="k", value="before")
    server.kill()

    told = tools["remember"].run(key="k", value="meanwhile")
    server.start()

    assert isinstance(told, ToolFailure)
    assert told.retryable
    assert "No answer from" in told.message
    assert tools["recall"].run(key="k") == '"before"'
    assert tools["remember"].run(key="k", value="after") == 'Remembered under "k".'


def test_the_limits_are_told_with_what_to_do_next(cramped, namespace):
    with Memory(namespace, base_url=cramped.url) as memory:
        remember, recall, _ = memory_tools(memory=memory)

        large = remember.run(key="k", value="x" * 200)
        told = [remember.run(key=f"k{number}", value=number) for number in range(4)]

        assert (large.code, told[3].code) == ("value_too_large", "daily_write_limit")
        assert "200" in large.message
        assert "3" in told[3].message
        assert told[3].retryable
        assert recall.run(key="k3") == 'Nothing is remembered under "k3".'
        assert memory.list_keys() == ["k0", "k1", "k2"]


def test_what_can_not_be_meant_is_refused():
    with pytest.raises(TypeError, match="either a namespace"):
        memory_tools()
    with pytest.raises(TypeError, match="either a namespace"):
        memory_tools("desk", memory=Memory("desk"))
    with pytest.raises(ValueError, match="append_to_list"):
        memory_tools("desk", extra=["forget"])


def test_the_token_is_in_nothing_that_is_shown_or_stored(namespace):
    tools = memory_tools(namespace, base_url="http://127.0.0.1:1", token="bw-secret-token")

    for tool in tools:
        assert "bw-secret-token" not in f"{tool!r} {tool} {tool.model_dump()} {tool.model_dump_json()}"
