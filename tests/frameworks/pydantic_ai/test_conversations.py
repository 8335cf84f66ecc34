"""BotWireConversationStore: beside Pydantic AI's own in memory, saved by two at once, and around the runs of agents."""

import asyncio
from dataclasses import replace

import httpx
import pytest
from pydantic_ai import Agent
from pydantic_ai.conversation import Conversation
from pydantic_ai.conversation_store import ConversationConflict, ConversationRecord, InMemoryConversationStore
from pydantic_ai.exceptions import UserError
from pydantic_ai.messages import BinaryContent, ModelRequest, ModelResponse, TextPart, ToolCallPart, UserPromptPart
from pydantic_ai.models.function import FunctionModel
from pydantic_ai.tools import DeferredToolRequests
from pydantic_ai.usage import RunUsage

from botwire import AsyncMemory, DailyWriteLimitError, InvalidKeyError, ValueTooLargeError
from botwire.pydantic_ai import BotWireConversationStore

TURN = """
import asyncio, sys
from tests.frameworks.pydantic_ai.test_conversations import BotWireConversationStore, turn

print(asyncio.run(turn(BotWireConversationStore(sys.argv[1]), "customers/42", sys.argv[2])))
"""


def knowing(messages, info):
    asked = [part.content for message in messages for part in message.parts if isinstance(part, UserPromptPart)]
    return ModelResponse(parts=[TextPart(f"I know {asked}")])


async def turn(store, conversation_id: str, prompt: str) -> str:
    conversation = await store.load(conversation_id) or Conversation(conversation_id=conversation_id)
    result = await Agent(FunctionModel(knowing)).run(prompt, conversation=conversation)
    await store.save(result)
    return result.output


def said(*texts: str) -> list[ModelRequest]:
    return [ModelRequest(parts=[UserPromptPart(text)]) for text in texts]


def texts(conversation: Conversation | None) -> list[str] | None:
    if conversation is None:
        return None
    return [part.content for message in conversation.messages for part in message.parts]


async def saved(store, conversation_id: str, *words: str, **options) -> Conversation:
    conversation = Conversation(conversation_id=conversation_id, messages=said(*words))
    await store.save(conversation, **options)
    return conversation


@pytest.fixture
def store(server, namespace) -> BotWireConversationStore:
    return BotWireConversationStore(namespace, base_url=server.url)


async def test_it_answers_as_the_store_in_memory(store):
    async def answers(store):
        yield await store.load("a"), await store.load_entries("a"), await store.list_conversations()
        a = await saved(store, "a", "1", "2", "3", scope="ann")
        await saved(store, "b", "x")
        yield texts(await store.load("a")), texts(await store.load("a", limit=2)), texts(await store.load("a", limit=0))
        yield texts(await store.load("a", scope="bob")), texts(await store.load("a", scope="ann"))
        yield [record.conversation_id for record in await store.list_conversations(scope="ann")]
        yield [record.conversation_id for record in await store.list_conversations(limit=1)]
        loaded = await store.load("a")
        loaded.messages += said("4")
        yield len(await store.save(loaded)), texts(await store.load("a"))
        try:
            await store.save(replace(a, messages=said("lost")))
        except ConversationConflict as conflict:
            yield conflict.conversation_id
        branched = await store.branch("a", at=1, expected_revision=loaded.revision)
        branched.messages += said("5")
        await store.save(branched)
        yield texts(await store.load("a")), len((await store.read_record("a")).branches)
        fork = await store.fork("a", at=1, new_conversation_id="c")
        fork.messages += said("6")
        await store.save(fork)
        yield texts(await store.load("c")), (await store.read_record("c")).scope, texts(await store.load("a"))
        try:
            await store.fork("b", new_conversation_id="c")
        except ConversationConflict as conflict:
            yield conflict.conversation_id
        await store.delete("a", scope="bob")
        yield texts(await store.load("a"))
        await store.delete("a")
        await store.delete("a")
        yield texts(await store.load("a")), texts(await store.load("c")), texts(await store.load("b"))
        try:
            await store.fork("a")
        except UserError as error:
            yield str(error)

    ours = [answer async for answer in answers(store)]

    assert ours == [answer async for answer in answers(InMemoryConversationStore())]


async def test_a_conversation_comes_back_whole(store):
    conversation = Conversation(
        conversation_id="a",
        messages=[
            ModelRequest(parts=[UserPromptPart(["ü 😀", BinaryContent(b"\x00\xff", media_type="application/pdf")])]),
            ModelResponse(parts=[ToolCallPart("look_up", {"every": [None, True, 2**80, 0.1, {"": []}]}, "c1")]),
        ],
        usage=RunUsage(requests=2, input_tokens=2**40, details={"cached": 1}),
        deferred_tool_requests=DeferredToolRequests(approvals=[ToolCallPart("look_up", {}, "c1")]),
    )

    await store.save(conversation, scope="ann")
    loaded = await store.load("a")

    assert loaded == conversation


async def test_a_long_history_is_read_in_order_and_its_end_alone(store):
    words = [str(number) for number in range(95)]
    await saved(store, "a", *words[:40])
    for start in (40, 41, 60):
        loaded = await store.load("a", limit=3)
        loaded.messages += said(*words[start : {40: 41, 41: 60, 60: 95}[start]])
        await store.save(loaded)

    assert texts(await store.load("a")) == words
    assert texts(await store.load("a", limit=50)) == words[-50:]
    assert [entry.parent_id for entry in (await store.load_entries("a"))[1:]] == [
        entry.id for entry in (await store.load_entries("a"))[:-1]
    ]


async def test_a_history_of_a_hundred_messages_is_read_with_seven_requests(server, namespace):
    class Counting(httpx.AsyncHTTPTransport):
        requests = 0

        async def handle_async_request(self, request):
            self.requests += 1
            return await super().handle_async_request(request)

    transport = Counting()
    await saved(BotWireConversationStore(namespace, base_url=server.url), "a", *map(str, range(100)))
    async with AsyncMemory(namespace, base_url=server.url, transport=transport) as memory:
        loaded = await BotWireConversationStore(memory=memory).load("a")

    assert len(loaded.messages) == 100
    assert transport.requests == 7  # the record, the last message, and 20 of those before it at a time


async def test_more_messages_than_a_batch_takes_are_saved_and_deleted(store, memory):
    words = [str(number) for number in range(1_000)]

    await saved(store, "a", *words)
    loaded = texts(await store.load("a"))
    await store.delete("a")

    assert loaded == words
    assert memory.list_keys() == []


async def test_of_two_that_continue_at_once_one_is_told_and_leaves_nothing(server, namespace, memory):
    stores = [BotWireConversationStore(namespace, base_url=server.url) for _ in range(2)]
    await saved(stores[0], "a", "1")
    loaded = [await store.load("a") for store in stores]
    for name, conversation in zip("xy", loaded, strict=True):
        conversation.messages += said(name)

    outcomes = await asyncio.gather(
        *(store.save(conversation) for store, conversation in zip(stores, loaded, strict=True)), return_exceptions=True
    )

    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["ConversationConflict", "list"]
    winner = "xy"[[isinstance(outcome, list) for outcome in outcomes].index(True)]
    assert texts(await stores[0].load("a")) == ["1", winner]
    assert len(memory.list_keys("conversations/entries/")) == 2


async def test_two_writers_that_try_again_lose_nothing(server, namespace):
    async def write(name):
        store = BotWireConversationStore(namespace, base_url=server.url)
        for number in range(10):
            while True:
                conversation = await store.load("a") or Conversation(conversation_id="a")
                conversation.messages += said(f"{name}{number}")
                try:
                    await store.save(conversation)
                except ConversationConflict:
                    continue
                break

    await asyncio.gather(write("x"), write("y"))

    words = texts(await BotWireConversationStore(namespace, base_url=server.url).load("a"))
    assert sorted(words) == sorted(f"{name}{number}" for name in "xy" for number in range(10))


async def test_deleting_leaves_what_a_fork_shares_until_the_fork_is_gone(store, memory):
    await saved(store, "a", "1", "2")
    fork = await store.fork("a", at=1, new_conversation_id="b")
    fork.messages += said("3")
    await store.save(fork)

    await store.delete("b")
    after_the_fork = texts(await store.load("a"))
    await store.delete("a")

    assert after_the_fork == ["1", "2"]
    assert memory.list_keys() == []


async def test_a_record_whose_last_message_is_gone_is_not_stored(store, memory):
    with pytest.raises(ConversationConflict):
        await store.write_record(ConversationRecord(conversation_id="a", head_id="gone"), expected_revision=None)

    assert memory.list_keys() == []


async def test_deleting_what_was_forked_leaves_the_forks_of_forks(store):
    await saved(store, "a", "1", "2")
    await store.fork("a", new_conversation_id="b")
    await store.fork("b", new_conversation_id="c")

    await store.delete("b")
    await store.delete("a")

    assert texts(await store.load("c")) == ["1", "2"]


@pytest.mark.parametrize("name", ["..", "a/../b", "a/b", "a%2Fb", "100%", "new\nline", "ünï😀", ""])
async def test_any_text_is_a_conversation_and_no_two_are_the_same(store, name):
    await saved(store, "a/b/c", "another")
    await saved(store, name, name)

    assert texts(await store.load(name)) == [name]


async def test_a_name_that_is_too_long_is_refused(store, memory):
    with pytest.raises(InvalidKeyError):
        await saved(store, "x" * 600, "lost")

    assert memory.list_keys() == []


async def test_of_a_save_that_the_server_refuses_nothing_is_stored(cramped, namespace):
    store = BotWireConversationStore(namespace, base_url=cramped.url)

    with pytest.raises(ValueTooLargeError, match=r"a value may have 200\. Split the value"):
        await saved(store, "a", "1")

    assert await store.load("a") is None


async def test_of_a_save_over_the_limit_of_the_day_nothing_is_stored(few_writes, namespace):
    store = BotWireConversationStore(namespace, base_url=few_writes.url)
    await saved(store, "a", *"12345678")
    loaded = await store.load("a")
    loaded.messages += said("9")

    with pytest.raises(DailyWriteLimitError, match=r"has used 10 of its 10 writes of this UTC day\. Write again after"):
        await store.save(loaded)

    assert texts(await store.load("a")) == [*"12345678"]


def test_an_agent_in_another_process_goes_on_where_the_first_ended(run_program, namespace):
    first = run_program(TURN, namespace, "My name is Ann.")
    second = run_program(TURN, namespace, "Who am I?")

    assert first == "I know ['My name is Ann.']\n"
    assert second == "I know ['My name is Ann.', 'Who am I?']\n"


async def test_a_conversation_goes_on_after_the_server_was_killed(server, store):
    await turn(store, "a", "before")
    server.kill()
    server.start()

    assert await turn(store, "a", "after") == "I know ['before', 'after']"
