"""Chat histories on a real server: nothing lost, whoever writes at the same time; and agents in two processes."""

import asyncio
import json
from concurrent.futures import ThreadPoolExecutor

import pytest
from langchain_core.messages import AIMessage, ChatMessage, HumanMessage, RemoveMessage, SystemMessage, ToolMessage

from botwire import AsyncMemory, BotWireConnectionError, DailyWriteLimitError, ValueTooLargeError
from botwire.langchain import BotWireChatHistory

MESSAGES = [
    SystemMessage("Be kind.", id="1"),
    HumanMessage([{"type": "text", "text": "hi"}, {"type": "image_url", "image_url": {"url": "data:,"}}], name="ada"),
    AIMessage(
        "",
        tool_calls=[{"name": "look", "args": {"deep": {"n": [1, 2.5, None, True]}}, "id": "c1", "type": "tool_call"}],
        usage_metadata={"input_tokens": 1, "output_tokens": 2, "total_tokens": 3},
        response_metadata={"model": "x", "big": 10**30},
    ),
    ToolMessage("found", tool_call_id="c1", artifact={"rows": [1]}, status="error"),
    ChatMessage("aside", role="critic"),
    RemoveMessage(id="1"),
    HumanMessage("ünï 🐝 \u0000\n", additional_kwargs={"null": None}),
]
CHAT = """
import sys
from langchain_core.language_models import GenericFakeChatModel
from langchain_core.messages import AIMessage
from botwire.langchain import BotWireChatHistory

history = BotWireChatHistory("s", namespace=sys.argv[1])
model = GenericFakeChatModel(messages=iter([AIMessage(sys.argv[3])]))
history.add_user_message(sys.argv[2])
history.add_message(model.invoke(history.messages))
print(history)
"""


@pytest.fixture
def history(server, namespace) -> BotWireChatHistory:
    return BotWireChatHistory("session", namespace=namespace, base_url=server.url)


def test_messages_come_back_as_they_were_added(history, memory):
    history.add_messages(MESSAGES)

    assert history.messages == MESSAGES
    assert [type(message) for message in history.messages] == [type(message) for message in MESSAGES]
    assert memory.usage().writes == 1


def test_an_empty_session_has_no_messages_and_can_be_cleared(history, memory):
    assert history.messages == []
    history.add_messages([])
    history.clear()

    assert memory.list_keys() == []


def test_clearing_forgets_one_session(history, server, namespace):
    other = BotWireChatHistory("session2", namespace=namespace, base_url=server.url)
    history.add_user_message("a")
    other.add_ai_message("b")

    history.clear()

    assert (history.messages, other.messages) == ([], [AIMessage("b")])


def test_two_writers_at_once_lose_nothing_and_keep_their_order(server, namespace, history):
    def write(writer: int) -> None:
        own = BotWireChatHistory("session", namespace=namespace, base_url=server.url)
        for number in range(25):
            own.add_messages([HumanMessage(f"{writer} {number}"), AIMessage(f"{writer} {number}")])

    with ThreadPoolExecutor(2) as threads:
        list(threads.map(write, range(2)))

    said = [message.content for message in history.messages]
    assert said[::2] == said[1::2], "what one call added stands together"
    for writer in "01":
        assert [line for line in said[::2] if line[0] == writer] == [f"{writer} {number}" for number in range(25)]


def test_more_messages_than_one_request_takes_are_added(history, memory):
    history.add_messages([HumanMessage(str(number)) for number in range(501)])

    assert [message.content for message in history.messages] == [str(number) for number in range(501)]
    assert memory.usage().writes == 2


@pytest.mark.parametrize("session", ["a/b", "..", "100%", "%2F", " ", "🐝", "", "a//b", "\x7f\n", "user:42"])
def test_any_session_will_do(server, namespace, session):
    history = BotWireChatHistory(session, namespace=namespace, base_url=server.url)
    BotWireChatHistory(session + "x", namespace=namespace, base_url=server.url).add_user_message("other")

    history.add_user_message(session)

    assert [message.content for message in history.messages] == [session]


def test_a_restart_in_the_middle_loses_nothing(server, history):
    history.add_user_message("before")
    server.kill()

    with pytest.raises(BotWireConnectionError):
        history.add_user_message("meanwhile")
    server.start()
    history.add_user_message("after")

    assert [message.content for message in history.messages] == ["before", "after"]


def test_the_limits_are_told_and_change_nothing(cramped, namespace):
    history = BotWireChatHistory("s", namespace=namespace, base_url=cramped.url)

    with pytest.raises(ValueTooLargeError, match="may have 200"):
        history.add_messages([HumanMessage("short"), HumanMessage("x" * 200)])

    assert history.messages == []


def test_the_day_s_limit_is_told(few_writes, namespace):
    history = BotWireChatHistory("s", namespace=namespace, base_url=few_writes.url)
    for number in range(10):
        history.add_user_message(str(number))

    with pytest.raises(DailyWriteLimitError, match="10 of its 10 writes"):
        history.add_user_message("10")

    assert [message.content for message in history.messages] == [str(number) for number in range(10)]


def test_it_is_awaited_the_same(server, namespace):
    async def both() -> list:
        async with AsyncMemory(namespace, base_url=server.url) as memory:
            history = BotWireChatHistory("s", memory=memory)
            await history.aadd_messages(MESSAGES)
            messages = await history.aget_messages()
            await history.aclear()
            return [messages, await history.aget_messages()]

    assert asyncio.run(both()) == [MESSAGES, []]


def test_a_second_process_goes_on_with_what_the_first_said(run_program, namespace):
    run_program(CHAT, namespace, "My name is Ada.", "Hello Ada.")
    said = run_program(CHAT, namespace, "Who am I?", "You are Ada.")

    assert said.splitlines() == ["Human: My name is Ada.", "AI: Hello Ada.", "Human: Who am I?", "AI: You are Ada."]


def test_what_is_stored_can_be_read_without_langchain(history, memory):
    history.add_user_message("hi")

    (row,) = memory.get("chats/session")
    assert (row["type"], row["data"]["content"]) == ("human", "hi")
    assert json.dumps(row)


def test_the_page_runs_as_it_stands(run_page):
    run_page("langchain")
