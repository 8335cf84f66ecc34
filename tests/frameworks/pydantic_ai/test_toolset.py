"""memory_toolset: Pydantic AI's agents with a scripted model, on a real server."""

import json

import pytest
from pydantic_ai import Agent
from pydantic_ai.messages import ModelResponse, TextPart, ToolCallPart, ToolReturnPart
from pydantic_ai.models.function import FunctionModel

from botwire import AsyncMemory
from botwire.pydantic_ai import memory_toolset

VALUES = [None, True, 7, 2**80, 0.1, 1.0, "", "7", "ü\n\u2028😀", "[1]", [1, []], {"a": {"": None}}]
AGENT = """
import asyncio, sys
from tests.frameworks.pydantic_ai.test_toolset import calling, memory_toolset

print(asyncio.run(calling(memory_toolset(sys.argv[1]), sys.argv[2], sys.argv[3])))
"""


async def calling(toolset, name: str, arguments: str) -> str:
    """What an agent is told whose model calls a tool, and then says what it was told, as JSON."""

    def answer(messages, info):
        told = [part for part in messages[-1].parts if isinstance(part, ToolReturnPart)]
        if not told:
            return ModelResponse(parts=[ToolCallPart(name, arguments)])
        return ModelResponse(parts=[TextPart(json.dumps([told[0].outcome, told[0].content], ensure_ascii=False))])

    return (await Agent(FunctionModel(answer), toolsets=[toolset]).run("Go on.")).output


@pytest.fixture
def call(server, namespace):
    """Calls a tool in a run of its own, and gives how it ended and what the model was told."""

    async def call(name, toolset=None, **arguments):
        used = toolset or memory_toolset(namespace, base_url=server.url)
        return json.loads(await calling(used, name, json.dumps(arguments)))

    return call


@pytest.mark.parametrize("value", VALUES, ids=repr)
async def test_every_json_type_is_remembered_and_recalled(call, memory, value):
    remembered = await call("remember", key="k", value=value)
    recalled = await call("recall", key="k")

    assert remembered == ["success", "Remembered under 'k'."]
    assert json.dumps(recalled) == json.dumps(["success", value])
    assert json.dumps(memory.get("k")) == json.dumps(value)


async def test_the_tools_are_these_three_and_take_any_json(server, namespace):
    seen = []

    def answer(messages, info):
        seen.extend(info.function_tools)
        return ModelResponse(parts=[TextPart("done")])

    toolset = memory_toolset(namespace, base_url=server.url)
    await Agent(FunctionModel(answer), toolsets=[toolset]).run("Go on.")

    assert [tool.name for tool in seen] == ["remember", "recall", "list_memory"]
    properties = seen[0].parameters_json_schema["properties"]
    kinds = {kind.get("type") for kind in properties["value"]["anyOf"]}
    assert kinds == {"boolean", "integer", "number", "string", "array", "object", "null"}
    assert properties["key"]["description"].startswith("The name that it is remembered under")


async def test_the_keys_are_listed(call, memory):
    memory.set_many({"b": 1, "a/ü": 2})

    assert await call("list_memory") == ["success", ["a/ü", "b"]]


async def test_what_is_not_there_is_told_as_that(call):
    assert await call("recall", key="none") == [
        "failed", "Nothing is remembered under 'none'. list_memory tells what is.",
    ]  # fmt: skip


@pytest.mark.parametrize("key", ["", "..", "a/../b", "new\nline", "\x00", "x" * 513])
async def test_what_can_not_be_a_key_is_told_to_the_model(call, memory, key):
    outcome, told = await call("remember", key=key, value=1)

    assert outcome == "failed"
    assert "can not be a key" in told
    assert memory.list_keys() == []


async def test_the_limits_are_told_to_the_model_and_the_run_goes_on(call, cramped, namespace):
    toolset = memory_toolset(namespace, base_url=cramped.url)
    too_large = await call("remember", toolset, key="a", value="x" * 200)
    for number in range(3):
        await call("remember", toolset, key="a", value=number)

    over = await call("remember", toolset, key="a", value="lost")

    assert too_large == [
        "failed", "This value is 202 bytes of JSON; a value may have 200. Split the value over several keys.",
    ]  # fmt: skip
    assert over[0] == "failed"
    assert over[1].startswith(f"The namespace {namespace} has used 3 of its 3 writes of this UTC day. Write again")
    assert await call("recall", toolset, key="a") == ["success", 2]


async def test_no_server_is_told_to_the_model(call, namespace):
    toolset = memory_toolset(memory=AsyncMemory(namespace, base_url="http://127.0.0.1:9", retries=0))

    outcome, told = await call("list_memory", toolset)

    assert outcome == "failed"
    assert told.startswith("No answer from http://127.0.0.1:9/")


def test_an_agent_in_another_process_recalls_what_the_first_remembered(run_program, namespace):
    first = run_program(AGENT, namespace, "remember", '{"key": "culprit", "value": {"is": "a cold cache"}}')
    second = run_program(AGENT, namespace, "recall", '{"key": "culprit"}')

    assert json.loads(first) == ["success", "Remembered under 'culprit'."]
    assert json.loads(second) == ["success", {"is": "a cold cache"}]


def test_the_programs_of_the_page_do_what_they_say(run_page):
    run_page("pydantic-ai")
