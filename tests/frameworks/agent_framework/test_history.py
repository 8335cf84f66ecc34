"""BotWireHistoryProvider: beside the framework's own in memory, used by many at once, and in scripted agents."""

import asyncio

import pytest
from agent_framework import Agent, Content, FileHistoryProvider, HistoryProvider, InMemoryHistoryProvider, Message, tool

from botwire import AsyncMemory, DailyWriteLimitError, InvalidKeyError, ValueTooLargeError, WrongTypeError
from botwire.agent_framework import BotWireHistoryProvider
from tests.frameworks.agent_framework.scripted import Script, counting, saying

EVERY_TYPE = {
    "none": None, "true": True, "big": 2**80, "float": 0.1, "text": "ü\n\u2028😀", "list": [1, []], "object": {"": {}},
}  # fmt: skip
TURN = """
import asyncio, sys
from agent_framework import Agent
from botwire.agent_framework import BotWireHistoryProvider
from tests.frameworks.agent_framework.scripted import Script, counting

agent = Agent(client=Script(counting), context_providers=[BotWireHistoryProvider(sys.argv[1])])
print(asyncio.run(agent.run(sys.argv[2], session=agent.create_session(session_id="customers/42"))).text)
"""


def said(*texts: str) -> list[Message]:
    return [Message("user", [text]) for text in texts]


def texts(messages: list[Message]) -> list[str]:
    return [message.text for message in messages]


def as_json(messages: list[Message]) -> list[dict]:
    return [message.to_dict() for message in messages]


@pytest.fixture
def history(server, namespace) -> BotWireHistoryProvider:
    return BotWireHistoryProvider(namespace, base_url=server.url)


async def test_messages_come_back_in_order_and_sessions_are_apart(history):
    assert isinstance(history, HistoryProvider)
    assert await history.get_messages("a") == []

    await history.save_messages("a", said("1", "2"))
    await history.save_messages("a", [])
    await history.save_messages("a", said("3"))
    await history.save_messages("ab", said("other"))
    await history.save_messages(None, said("nobody's"))

    assert texts(await history.get_messages("a")) == ["1", "2", "3"]
    assert texts(await history.get_messages("ab")) == ["other"]
    assert texts(await history.get_messages(None)) == ["nobody's"]
    await history.clear("a")
    assert await history.get_messages("a") == []
    assert texts(await history.get_messages("ab")) == ["other"]


@pytest.mark.filterwarnings("ignore:.*FILE_HISTORY")
async def test_what_is_new_is_what_is_new_to_the_providers_of_the_framework(history, tmp_path):
    named = [Message("user", ["twice"], message_id=str(number)) for number in range(2)]
    saves = [
        said("1"), said("1"), said("1", "2"), said("1", "2", "3"), said("3", "4"), named[:1], named, named[1:],
        [Message("assistant", ["4"])],
    ]  # fmt: skip

    async def kept(provider):
        state = {}
        for messages in saves:
            await provider.save_messages("a", messages, state=state)
        return as_json(await provider.get_messages("a", state=state))

    ours = await kept(history)

    assert ours == await kept(InMemoryHistoryProvider())
    assert ours == await kept(FileHistoryProvider(tmp_path))


async def test_a_message_comes_back_whole(history):
    messages = [
        Message("user", ["ü 😀", Content.from_uri("data:image/png;base64,iVBO", media_type="image/png")],
                author_name="Ann", message_id="m1", additional_properties={"every": EVERY_TYPE}),
        Message("assistant", [Content.from_function_call("c1", "look_up", arguments=EVERY_TYPE)]),
        Message("tool", [Content.from_function_result("c1", result="Berlin")]),
    ]  # fmt: skip

    await history.save_messages("a", messages)

    assert as_json(await history.get_messages("a")) == as_json(messages)


@pytest.mark.parametrize("session_id", ["..", "a/../b", "a/b", "a%2Fb", "100%", "new\nline", "\x00", "ünï😀", "?#"])
async def test_any_text_is_a_session_and_no_two_are_the_same(history, session_id):
    await history.save_messages("a/b", said("another"))
    await history.clear(session_id)
    await history.save_messages(session_id, said(session_id))

    assert texts(await history.get_messages(session_id)) == [session_id]


async def test_a_session_that_is_too_long_is_refused(history, memory):
    with pytest.raises(InvalidKeyError):
        await history.save_messages("x" * 600, said("lost"))

    assert memory.list_keys() == []


async def test_two_writers_lose_nothing_and_keep_together_what_was_saved_together(server, namespace):
    async def write(name):
        history = BotWireHistoryProvider(namespace, base_url=server.url)
        for number in range(25):
            await history.save_messages("a", said(f"{name}{number}", f"{name}{number}'"))

    await asyncio.gather(write("a"), write("b"))

    words = texts(await BotWireHistoryProvider(namespace, base_url=server.url).get_messages("a"))
    assert len(words) == 100
    assert [word for word in words if word.startswith("a")] == [f"a{n}{end}" for n in range(25) for end in ("", "'")]
    assert all(second == f"{first}'" for first, second in zip(words[::2], words[1::2], strict=True))


async def test_a_message_that_several_save_at_once_is_there_once(server, namespace):
    providers = [BotWireHistoryProvider(namespace, base_url=server.url) for _ in range(4)]
    message = Message("user", ["once"], message_id="m1")

    await asyncio.gather(*(provider.save_messages("a", [message]) for provider in providers))

    assert texts(await providers[0].get_messages("a")) == ["once"]


async def test_something_else_under_the_key_stays_as_it_is(history, memory):
    memory.set("sessions/a", {"not": "a list"})

    with pytest.raises(WrongTypeError):
        await history.save_messages("a", said("lost"))
    with pytest.raises(WrongTypeError):
        await history.get_messages("a")

    assert memory.get("sessions/a") == {"not": "a list"}


async def test_of_a_turn_that_the_day_has_no_room_for_nothing_is_stored_and_the_run_says_why(cramped, namespace):
    history = BotWireHistoryProvider(namespace, base_url=cramped.url)
    agent = Agent(client=Script(saying("")), context_providers=[history])
    await history.save_messages("b", said("1"))
    await history.save_messages("a", said("1"))

    with pytest.raises(DailyWriteLimitError, match=r"has used 3 of its 3 writes of this UTC day\. Write again after"):
        await agent.run("2", session=agent.create_session(session_id="c"))

    assert texts(await history.get_messages("a")) == ["1"]
    assert await history.get_messages("c") == []


async def test_a_message_that_is_too_large_is_refused_and_the_rest_stays(cramped, namespace):
    history = BotWireHistoryProvider(namespace, base_url=cramped.url)
    await history.save_messages("a", said("short"))

    with pytest.raises(ValueTooLargeError, match=r"a value may have 200\. Split the value"):
        await history.save_messages("a", said("fine", "x" * 200))

    assert texts(await history.get_messages("a")) == ["short"]


async def test_an_agent_gives_its_model_the_turns_before_with_their_tools(server, namespace):
    @tool(approval_mode="never_require")
    def look_up(order: int) -> str:
        """Where an order is."""
        return f"order {order}: Berlin"

    def agent(*answers):
        history = BotWireHistoryProvider(namespace, base_url=server.url)
        return Agent(client=Script(*answers), tools=[look_up], context_providers=[history])

    def calling(_):
        return Message("assistant", [Content.from_function_call("c1", "look_up", arguments={"order": 7})])

    first, second = agent(calling, saying("Berlin.")), agent(counting)

    await first.run("Where is order 7?", session=first.create_session(session_id="a"))
    answer = await second.run("Which one?", session=second.create_session(session_id="a"))

    assert answer.text == "I know ['Where is order 7?', 'Which one?']"
    kinds = [content.type for message in second.client.given[0] for content in message.contents]
    assert kinds == ["text", "function_call", "function_result", "text", "text"]


async def test_an_agent_in_another_process_goes_on_where_the_first_ended(run_program, namespace, memory):
    first = run_program(TURN, namespace, "My name is Ann.")
    second = run_program(TURN, namespace, "Who am I?")

    assert first == "I know ['My name is Ann.']\n"
    assert second == "I know ['My name is Ann.', 'Who am I?']\n"
    assert len(memory.get("sessions/customers%2F42")) == 4


async def test_a_session_goes_on_after_the_server_was_killed(server, history):
    await history.save_messages("a", said("before"))
    server.kill()
    server.start()
    await history.save_messages("a", said("after"))

    assert texts(await history.get_messages("a")) == ["before", "after"]


async def test_a_memory_that_is_there_and_the_options_of_the_framework_can_be_used(server, namespace):
    async with AsyncMemory(namespace, base_url=server.url, agent="clerk") as given:
        audit = BotWireHistoryProvider(memory=given, prefix="audit/", load_messages=False, store_inputs=False)
        agent = Agent(client=Script(saying("a")), context_providers=[audit])
        await agent.run("1", session=agent.create_session(session_id="s"))

        assert texts(await audit.get_messages("s")) == ["a"]
        assert (await given.get_entry("audit/s")).writer.name == "clerk"


def test_the_program_of_the_page_does_what_it_says(run_page):
    run_page("agent-framework")
