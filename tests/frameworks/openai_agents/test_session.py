"""BotWireSession: the SDK's session protocol on a real server, and the SDK's own runner with its scripted model."""

import asyncio
import json
from enum import StrEnum

import pytest
from agents import Agent, RunConfig, Runner, function_tool
from agents.memory import Session, SessionSettings, SQLiteSession
from agents.testing import ScriptedModel, assistant_message, function_call

from botwire import (
    AsyncMemory,
    BotWireConnectionError,
    DailyWriteLimitError,
    InvalidKeyError,
    ValueTooLargeError,
    WrongTypeError,
)
from botwire.openai_agents import BotWireSession

OFFLINE = RunConfig(tracing_disabled=True)
TURN = """
import asyncio, sys
from agents import Agent, RunConfig, Runner
from agents.testing import ScriptedModel, assistant_message
from botwire.openai_agents import BotWireSession

def answer(call):
    return [assistant_message(f"I know {[item['content'] for item in call.input if item['role'] == 'user']}")]

agent = Agent(name="clerk", model=ScriptedModel([{"responder": answer}]))
session = BotWireSession("support/42", sys.argv[1])
result = asyncio.run(Runner.run(agent, sys.argv[2], session=session, run_config=RunConfig(tracing_disabled=True)))
print(result.final_output)
"""


def said(text: str) -> dict[str, str]:
    return {"role": "user", "content": text}


@pytest.fixture
def session(server, namespace) -> BotWireSession:
    return BotWireSession("support/42", namespace, base_url=server.url)


def test_it_is_a_session(session):
    assert isinstance(session, Session)
    assert session.session_id == "support/42"


def test_items_come_back_in_order_and_the_latest_where_a_limit_is_given(session):
    async def conversation():
        await session.add_items([said("a"), said("b")])
        await session.add_items([])
        await session.add_items([said("c")])
        return [await session.get_items(limit) for limit in (None, 2, 5, 0)]

    everything, latest, more_than_all, none = asyncio.run(conversation())

    assert everything == more_than_all == [said("a"), said("b"), said("c")]
    assert latest == [said("b"), said("c")]
    assert none == []


def test_the_limit_of_the_settings_holds_where_none_is_given(server, namespace):
    session = BotWireSession("s", namespace, base_url=server.url, session_settings=SessionSettings(limit=1))

    async def conversation():
        await session.add_items([said("a"), said("b")])
        return await session.get_items(), await session.get_items(2)

    assert asyncio.run(conversation()) == ([said("b")], [said("a"), said("b")])


def test_popping_takes_the_latest_until_there_is_none(session):
    async def conversation():
        await session.add_items([said("a"), said("b")])
        return [await session.pop_item() for _ in range(3)]

    assert asyncio.run(conversation()) == [said("b"), said("a"), None]


def test_a_cleared_session_is_empty_and_others_are_not(server, namespace, memory):
    cleared, other = (BotWireSession(name, namespace, base_url=server.url) for name in ("a", "ab"))

    async def conversation():
        await cleared.add_items([said("mine")])
        await other.add_items([said("other")])
        await cleared.clear_session()
        return await cleared.get_items(), await other.get_items()

    assert asyncio.run(conversation()) == ([], [said("other")])
    assert memory.list_keys() == ["sessions/ab"]


ITEM = {
    "none": None, "true": True, "big": 2**80, "float": 0.1, "text": "ü\n\u2028😀", "list": [1, []], "object": {"": {}},
}  # fmt: skip


def test_every_json_type_comes_back_as_from_the_sessions_of_the_sdk(session):
    async def both():
        sqlite = SQLiteSession("s")
        for store in (session, sqlite):
            await store.add_items([ITEM, ITEM])
        return await session.get_items(), await sqlite.get_items()

    ours, theirs = asyncio.run(both())

    assert ours == theirs == [ITEM, ITEM]
    assert json.dumps(ours) == json.dumps(theirs)


def test_what_json_has_no_type_for_is_kept_as_by_the_sessions_of_the_sdk(session):
    class Role(StrEnum):
        USER = "user"

    async def both():
        sqlite = SQLiteSession("s")
        for store in (session, sqlite):
            await store.add_items([{"role": Role.USER, "content": ("a", "b")}])
        return await session.get_items(), await sqlite.get_items()

    ours, theirs = asyncio.run(both())

    assert ours == theirs == [{"role": "user", "content": ["a", "b"]}]


def test_many_items_are_added_as_two_writes(session, memory):
    items = [said(str(number)) for number in range(500)]

    asyncio.run(session.add_items(items))

    assert asyncio.run(session.get_items()) == items
    assert memory.usage().writes == 2


def test_two_writers_at_once_lose_nothing_and_keep_together_what_was_added_together(server, namespace):
    async def write(name):
        session = BotWireSession("s", namespace, base_url=server.url)
        for number in range(25):
            await session.add_items([said(f"{name}{number}"), said(f"{name}{number}'")])

    async def both():
        await asyncio.gather(write("a"), write("b"))
        return await BotWireSession("s", namespace, base_url=server.url).get_items()

    words = [item["content"] for item in asyncio.run(both())]

    assert len(words) == 100
    assert [word for word in words if word.startswith("a")] == [f"a{n}{end}" for n in range(25) for end in ("", "'")]
    assert all(second == f"{first}'" for first, second in zip(words[::2], words[1::2], strict=True))


def test_of_many_that_pop_at_once_no_two_get_the_same(session):
    items = [said(str(number)) for number in range(20)]

    async def popped():
        await session.add_items(items)
        return await asyncio.gather(*(session.pop_item() for _ in range(25)))

    taken = [item for item in asyncio.run(popped()) if item is not None]

    assert sorted(taken, key=lambda item: int(item["content"])) == items


@pytest.mark.parametrize("session_id", ["..", "a/../b", "a/b", "a%2Fb", "100%", "?#", "new\nline", "\x00", "ünï😀", ""])
def test_any_text_is_a_session_and_no_two_are_the_same(server, namespace, session_id):
    async def conversation():
        await BotWireSession("a/b/c", namespace, base_url=server.url).add_items([said("another")])
        session = BotWireSession(session_id, namespace, base_url=server.url)
        await session.add_items([said(session_id)])
        return await session.get_items()

    assert asyncio.run(conversation()) == [said(session_id)]


def test_a_session_that_is_too_long_is_refused_and_nothing_is_stored(server, namespace, memory):
    session = BotWireSession("x" * 513, namespace, base_url=server.url)

    with pytest.raises(InvalidKeyError):
        asyncio.run(session.add_items([said("lost")]))

    assert memory.list_keys() == []


def test_something_else_under_the_key_is_refused_and_stays_as_it_is(session, memory):
    memory.set("sessions/support%2F42", {"not": "a list"})

    with pytest.raises(WrongTypeError):
        asyncio.run(session.add_items([said("a"), said("b")]))
    with pytest.raises(WrongTypeError):
        asyncio.run(session.get_items())

    assert memory.get("sessions/support%2F42") == {"not": "a list"}


def test_of_items_that_the_day_has_no_room_for_none_is_stored_and_the_message_says_why(cramped, namespace):
    session = BotWireSession("s", namespace, base_url=cramped.url)
    asyncio.run(session.add_items([said("a"), said("b")]))

    with pytest.raises(DailyWriteLimitError, match=r"has used 3 of its 3 writes of this UTC day\. Write again after"):
        asyncio.run(session.add_items([said("c"), said("d")]))

    assert asyncio.run(session.get_items()) == [said("a"), said("b")]


def test_an_item_that_is_too_large_is_refused_and_the_rest_stays(cramped, namespace):
    session = BotWireSession("s", namespace, base_url=cramped.url)
    asyncio.run(session.add_items([said("a")]))

    with pytest.raises(ValueTooLargeError):
        asyncio.run(session.add_items([said("b"), said("c" * 200)]))

    assert asyncio.run(session.get_items()) == [said("a")]


def test_no_server_is_told_as_that(namespace):
    memory = AsyncMemory(namespace, base_url="http://127.0.0.1:9", retries=0)

    with pytest.raises(BotWireConnectionError):
        asyncio.run(BotWireSession("s", memory=memory).get_items())


def test_neither_a_namespace_nor_a_memory_is_a_mistake():
    with pytest.raises(TypeError, match="namespace"):
        BotWireSession("s")


def test_the_runner_gives_the_model_the_turns_before(session):
    model = ScriptedModel([
        [function_call("look_up", {"order": 7}, call_id="c1")],
        [assistant_message("It is in Berlin.")],
        [assistant_message("You asked for 7.")],
    ])  # fmt: skip

    @function_tool
    def look_up(order: int) -> str:
        """Where an order is."""
        return f"order {order}: Berlin"

    agent = Agent(name="clerk", model=model, tools=[look_up])

    async def turns():
        await Runner.run(agent, "Where is order 7?", session=session, run_config=OFFLINE)
        return await Runner.run(agent, "Which one?", session=session, run_config=OFFLINE)

    result = asyncio.run(turns())

    assert result.final_output == "You asked for 7."
    kinds = [item.get("type", item.get("role")) for item in model.last_call.input]
    assert kinds == ["user", "function_call", "function_call_output", "message", "user"]


def test_a_second_process_goes_on_where_the_first_ended(run_program, namespace):
    first = run_program(TURN, namespace, "My name is Ann.")
    second = run_program(TURN, namespace, "Who am I?")

    assert first == "I know ['My name is Ann.']\n"
    assert second == "I know ['My name is Ann.', 'Who am I?']\n"


def test_a_server_that_was_killed_in_between_has_everything(server, session):
    asyncio.run(session.add_items([said("a")]))
    server.kill()
    server.start()
    asyncio.run(session.add_items([said("b")]))

    assert asyncio.run(session.get_items()) == [said("a"), said("b")]


def test_the_program_of_the_page_does_what_it_says(run_page):
    run_page("openai-agents")
