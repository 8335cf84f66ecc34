"""BotWireMemory: AutoGen's memory protocol on a real server, and its agents with the model that replays."""

import asyncio
import json

import pytest
from autogen_agentchat.agents import AssistantAgent
from autogen_core import ComponentModel, FunctionCall, Image
from autogen_core.memory import ListMemory, Memory, MemoryContent, MemoryMimeType
from autogen_core.model_context import UnboundedChatCompletionContext
from autogen_core.models import CreateResult, RequestUsage
from autogen_ext.models.replay import ReplayChatCompletionClient
from PIL import Image as Picture

import botwire
from botwire import AsyncMemory, DailyWriteLimitError, InvalidKeyError, ValueTooLargeError, WrongTypeError
from botwire.autogen import BotWireMemory

EVERY_TYPE = {
    "none": None, "true": True, "big": 2**80, "float": 0.1, "text": "ü\n\u2028😀", "list": [1, []], "object": {"": {}},
}  # fmt: skip
TOOLS = {
    "vision": False,
    "function_calling": True,
    "json_output": False,
    "family": "unknown",
    "structured_output": False,
}
AGENT = """
import asyncio, sys
from tests.frameworks.autogen.test_memory import BotWireMemory, answer_of, remembering

memory = BotWireMemory(sys.argv[1])
print(asyncio.run(remembering(memory, sys.argv[3]) if sys.argv[2] == "remember" else answer_of(memory)))
"""


def text(words: str) -> MemoryContent:
    return MemoryContent(content=words, mime_type=MemoryMimeType.TEXT)


def call(name: str, **arguments) -> CreateResult:
    return CreateResult(
        finish_reason="function_calls", content=[FunctionCall(id="1", name=name, arguments=json.dumps(arguments))],
        usage=RequestUsage(prompt_tokens=0, completion_tokens=0), cached=False,
    )  # fmt: skip


async def remembering(memory: BotWireMemory, words: str) -> str:
    """What an agent says whose model calls a tool that remembers."""

    async def remember(words: str) -> str:
        """Remember a sentence."""
        await memory.add(text(words))
        return "remembered"

    model = ReplayChatCompletionClient([call("remember", words=words)], model_info=TOOLS)
    agent = AssistantAgent("researcher", model_client=model, tools=[remember])
    return (await agent.run(task="Go on.")).messages[-1].content


async def answer_of(memory: BotWireMemory) -> str:
    """What the model of an agent with that memory is given beside its task."""
    model = ReplayChatCompletionClient(["done"])
    await AssistantAgent("analyst", model_client=model, memory=[memory], system_message=None).run(task="Go on.")
    return "\n".join(
        message.content for message in model.create_calls[0]["messages"] if message.type == "SystemMessage"
    )


@pytest.fixture
def remembered(server, namespace) -> BotWireMemory:
    return BotWireMemory(namespace, base_url=server.url)


async def test_it_answers_as_the_list_in_memory(remembered):
    async def answers(memory):
        context = UnboundedChatCompletionContext()
        nothing = await memory.update_context(context)
        for number in range(3):
            await memory.add(text(f"fact {number}"))
        told = await memory.update_context(context)
        queried = [(content.content, content.mime_type) for content in (await memory.query("anything")).results]
        await memory.clear()
        return nothing, told.memories.results, queried, (await memory.query("")).results, await context.get_messages()

    ours, theirs = await answers(remembered), await answers(ListMemory())

    assert isinstance(remembered, Memory)
    assert str(ours).replace("'text/plain'", "<MemoryMimeType.TEXT: 'text/plain'>") == str(theirs)


@pytest.mark.parametrize(
    "content",
    [
        MemoryContent(content="ü\n😀", mime_type="text/markdown", metadata={"every": EVERY_TYPE}),
        MemoryContent(content=EVERY_TYPE, mime_type="application/json"),
        MemoryContent(content=b"\x00\xff", mime_type="application/octet-stream", metadata={}),
        MemoryContent(content={"bytes": "not bytes", "image": "none"}, mime_type="application/json"),
    ],
    ids=lambda content: type(content.content).__name__,
)
async def test_a_content_comes_back_as_it_was(remembered, content):
    await remembered.add(content)

    assert (await remembered.query()).results == [content]


async def test_an_image_comes_back_dot_by_dot(remembered):
    picture = Picture.new("RGB", (2, 1), (1, 2, 3))
    await remembered.add(MemoryContent(content=Image(picture), mime_type=MemoryMimeType.IMAGE))

    (found,) = (await remembered.query()).results

    assert list(found.content.image.getdata()) == [(1, 2, 3), (1, 2, 3)]


async def test_of_many_that_add_at_once_none_is_lost(server, namespace):
    async def write(name):
        memory = BotWireMemory(namespace, base_url=server.url)
        for number in range(25):
            await memory.add(text(f"{name}{number}"))

    await asyncio.gather(write("a"), write("b"))

    words = [content.content for content in (await BotWireMemory(namespace, base_url=server.url).query()).results]
    assert len(words) == 50
    assert [word for word in words if word.startswith("a")] == [f"a{number}" for number in range(25)]


async def test_the_newest_stay_where_a_length_is_given(server, namespace):
    memory = BotWireMemory(namespace, base_url=server.url, max_length=2)

    for number in range(4):
        await memory.add(text(str(number)))

    assert [content.content for content in (await memory.query()).results] == ["2", "3"]


@pytest.mark.parametrize("key", ["100%", "what? #1", "a//b", "ünï😀", "%2e%2e"])
async def test_any_key_does(server, namespace, key):
    memory = BotWireMemory(namespace, base_url=server.url, key=key)
    await memory.add(text(key))

    assert [content.content for content in (await memory.query()).results] == [key]


@pytest.mark.parametrize("key", ["", "..", "a/../b", "new\nline", "x" * 513])
async def test_what_can_not_be_a_key_is_refused(server, namespace, memory, key):
    with pytest.raises(InvalidKeyError):
        await BotWireMemory(namespace, base_url=server.url, key=key).add(text("lost"))

    assert memory.list_keys() == []


async def test_something_else_under_the_key_stays_as_it_is(remembered, memory):
    memory.set("memories", {"not": "a list"})

    with pytest.raises(WrongTypeError):
        await remembered.add(text("lost"))
    with pytest.raises(WrongTypeError):
        await remembered.query()

    assert memory.get("memories") == {"not": "a list"}


async def test_a_component_is_dumped_and_loaded_without_its_token(server, namespace, monkeypatch):
    token = botwire.Memory.create(namespace, name="clerk", base_url=server.url).token
    memory = BotWireMemory(namespace, base_url=server.url, token=token, agent="clerk", key="k", max_length=9)
    await memory.add(text("fact"))

    dumped = memory.dump_component()
    monkeypatch.setenv("BOTWIRE_TOKEN", "another-token")
    loaded = Memory.load_component(ComponentModel.model_validate_json(dumped.model_dump_json()))

    assert dumped.provider == "botwire.autogen.BotWireMemory"
    assert dumped.config == {
        "namespace": namespace, "base_url": server.url, "agent": "clerk", "key": "k", "max_length": 9,
    }  # fmt: skip
    assert token not in dumped.model_dump_json()
    assert isinstance(loaded, BotWireMemory)
    assert loaded.dump_component() == dumped
    assert loaded._memory._settings.headers["Authorization"] == "Bearer another-token"
    monkeypatch.setenv("BOTWIRE_TOKEN", token)
    assert (await Memory.load_component(dumped).query("")).results == (await memory.query()).results


async def test_an_agent_is_dumped_and_loaded_with_its_memory(remembered):
    agent = AssistantAgent("clerk", model_client=ReplayChatCompletionClient(["done"]), memory=[remembered])
    await remembered.add(text("Ann prefers mail."))

    loaded = AssistantAgent.load_component(agent.dump_component())

    result = await loaded.run(task="Go on.")
    assert [content.content for message in result.messages if message.type == "MemoryQueryEvent"
            for content in message.content] == ["Ann prefers mail."]  # fmt: skip


async def test_the_limit_of_the_day_is_told_to_the_agent_by_its_tool_and_the_run_goes_on(cramped, namespace):
    memory = BotWireMemory(namespace, base_url=cramped.url)
    for number in range(3):
        await memory.add(text(str(number)))

    with pytest.raises(DailyWriteLimitError):
        await memory.add(text("lost"))
    said = await remembering(memory, "lost")

    assert said == (
        f"The namespace {namespace} has used 3 of its 3 writes of this UTC day. "
        "Write again after resets_at; reads go on."
    )
    assert [content.content for content in (await memory.query()).results] == ["0", "1", "2"]


async def test_a_content_that_is_too_large_is_refused_and_the_rest_stays(cramped, namespace):
    memory = BotWireMemory(namespace, base_url=cramped.url)
    await memory.add(text("short"))

    with pytest.raises(ValueTooLargeError, match=r"a value may have 200\. Split the value"):
        await memory.add(text("x" * 200))

    assert [content.content for content in (await memory.query()).results] == ["short"]


async def test_what_an_agent_remembered_an_agent_in_another_process_is_told(run_program, namespace):
    first = run_program(AGENT, namespace, "remember", "The cache was cold.")
    second = run_program(AGENT, namespace, "answer")

    assert first == "remembered\n"
    assert second.splitlines() == [
        "",
        "Relevant memory content (in chronological order):",
        "1. The cache was cold.",
        "",
    ]


async def test_it_goes_on_after_the_server_was_killed(server, remembered):
    await remembered.add(text("before"))
    server.kill()
    server.start()
    await remembered.add(text("after"))

    assert [content.content for content in (await remembered.query()).results] == ["before", "after"]


async def test_a_memory_that_is_there_can_be_used(server, namespace):
    async with AsyncMemory(namespace, base_url=server.url, agent="clerk") as given:
        memory = BotWireMemory(memory=given)
        await memory.add(text("fact"))

        assert memory.dump_component().config == {
            "namespace": namespace, "base_url": server.url, "agent": "clerk", "key": "memories",
        }  # fmt: skip
        assert (await given.get_entry("memories")).writer.name == "clerk"


def test_the_program_of_the_page_does_what_it_says(run_page):
    run_page("autogen")
