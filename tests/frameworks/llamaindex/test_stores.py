"""LlamaIndex's stores on a real server: beside its own in memory, by many at once, and under what is built on it."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

import pytest
from llama_index.core.chat_engine import SimpleChatEngine
from llama_index.core.data_structs import IndexList
from llama_index.core.llms import ChatMessage, ImageBlock, MessageRole, TextBlock
from llama_index.core.llms.mock import MockLLM
from llama_index.core.memory import ChatMemoryBuffer
from llama_index.core.schema import Document, TextNode
from llama_index.core.storage.chat_store import SimpleChatStore
from llama_index.core.storage.docstore.keyval_docstore import KVDocumentStore
from llama_index.core.storage.index_store.keyval_index_store import KVIndexStore
from llama_index.core.storage.kvstore import SimpleKVStore

from botwire import DailyWriteLimitError, InvalidKeyError, Memory, ValueTooLargeError
from botwire.llamaindex import BotWireChatStore, BotWireKVStore

EVERY_TYPE = {
    "none": None, "true": True, "big": 2**80, "float": 0.1, "text": "ü\n\u2028😀", "list": [1, []], "object": {"": {}},
}  # fmt: skip
HOSTILE = ["", ".", "..", "a/../b", "a/b", "a%2Fb", "%2e%2e", "100%", "what? #1", "new\nline", "\x00", "ünï 😀", "/"]
CHAT = """
import sys
from llama_index.core.chat_engine import SimpleChatEngine
from llama_index.core.llms.mock import MockLLM
from llama_index.core.memory import ChatMemoryBuffer
from botwire.llamaindex import BotWireChatStore

memory = ChatMemoryBuffer.from_defaults(chat_store=BotWireChatStore(sys.argv[1]), chat_store_key="customers/42")
print(SimpleChatEngine.from_defaults(llm=MockLLM(), memory=memory).chat(sys.argv[2]))
"""


@pytest.fixture
def store(server, namespace) -> BotWireKVStore:
    return BotWireKVStore(namespace, base_url=server.url)


@pytest.fixture
def chats(server, namespace) -> BotWireChatStore:
    return BotWireChatStore(namespace, base_url=server.url)


def said(text: str, role: MessageRole = MessageRole.USER) -> ChatMessage:
    return ChatMessage(role=role, content=text)


# --- keys and values


def test_it_answers_as_the_store_in_memory(store):
    def answers(store):
        yield store.get("a")
        yield store.get_all()
        store.put("a", EVERY_TYPE)
        store.put("a", EVERY_TYPE, collection="other")
        store.put("b", {})
        yield store.get("a"), store.get("a", collection="other"), store.get_all(), store.get_all("other")
        yield store.delete("a"), store.delete("a"), store.get("a"), store.get("a", "other")
        store.put_all([("c", {"n": 1}), ("d", {"n": 2})], collection="other")
        yield store.get_all("other")

    assert list(answers(store)) == list(answers(SimpleKVStore()))


def test_the_asynchronous_methods_do_the_same(store):
    async def answers(store):
        await store.aput("a", EVERY_TYPE)
        await store.aput_all([("b", {"n": 1}), ("c", {"n": 2})])
        return [
            await store.aget("a"), await store.aget("missing"), await store.adelete("b"), await store.adelete("b"),
            await store.aget_all(),
        ]  # fmt: skip

    assert asyncio.run(answers(store)) == asyncio.run(answers(SimpleKVStore()))


def test_any_text_is_a_key_and_a_collection_and_no_two_are_the_same(store):
    for collection in HOSTILE:
        store.put_all([(key, {"in": collection, "is": key}) for key in HOSTILE], collection=collection)

    for collection in HOSTILE:
        assert store.get_all(collection) == {key: {"in": collection, "is": key} for key in HOSTILE}
        assert store.get("..", collection) == {"in": collection, "is": ".."}


def test_a_key_that_is_too_long_is_refused_and_nothing_is_stored(store, memory):
    with pytest.raises(InvalidKeyError):
        store.put_all([("a", {}), ("x" * 600, {})])

    assert memory.list_keys() == []


def test_many_are_stored_all_or_nothing(cramped, namespace):
    store = BotWireKVStore(namespace, base_url=cramped.url)
    store.put_all([("a", {}), ("b", {})])

    with pytest.raises(DailyWriteLimitError, match=r"has used 3 of its 3 writes of this UTC day\. Write again after"):
        store.put_all([("c", {}), ("d", {})])

    assert store.get_all() == {"a": {}, "b": {}}


def test_a_value_that_is_too_large_is_refused_and_the_old_one_stays(cramped, namespace):
    store = BotWireKVStore(namespace, base_url=cramped.url)
    store.put("a", {"text": "short"})

    with pytest.raises(ValueTooLargeError, match=r"a value may have 200\. Split the value"):
        store.put("a", {"text": "x" * 200})

    assert store.get("a") == {"text": "short"}


def test_documents_that_one_process_stores_another_one_finds(server, namespace):
    def documents():
        return KVDocumentStore(BotWireKVStore(namespace, base_url=server.url), batch_size=100)

    writing = documents()
    writing.add_documents([Document(id_=f"docs/../{number}", text=f"text {number}") for number in range(10)])
    node = TextNode(id_="node", text="part", metadata={"page": 3})
    writing.add_documents([node])
    reading = documents()

    assert reading.get_document("docs/../7").text == "text 7"
    assert reading.get_document("node") == node
    assert len(reading.docs) == 11
    reading.delete_document("node")
    assert writing.document_exists("node") is False


def test_indices_are_kept_in_it(server, namespace):
    index = IndexList(index_id="index", nodes=["a", "b"])
    KVIndexStore(BotWireKVStore(namespace, base_url=server.url)).add_index_struct(index)

    found = KVIndexStore(BotWireKVStore(namespace, base_url=server.url)).index_structs()

    assert found == [index]


# --- chats


def test_chats_answer_as_the_store_in_memory(chats):
    def answers(chats):
        yield chats.get_messages("a")
        chats.add_message("a", said("1"))
        chats.add_message("a", said("2", MessageRole.ASSISTANT))
        chats.set_messages("b", [said(str(number)) for number in range(4)])
        yield [*chats.get_messages("a")], [*chats.get_messages("b")], chats.get_keys()
        yield chats.delete_message("b", 1), chats.delete_message("b", 9), chats.delete_message("none", 0)
        yield chats.delete_last_message("b"), chats.delete_last_message("none")
        yield [*chats.get_messages("b")], chats.delete_messages("b"), chats.delete_messages("b"), chats.get_keys()

    assert list(answers(chats)) == list(answers(SimpleChatStore()))


def test_the_asynchronous_methods_of_chats_do_the_same(chats):
    async def answers(chats):
        await chats.async_add_message("a", said("1"))
        await chats.aset_messages("b", [said("2"), said("3")])
        return [
            await chats.aget_messages("a"), await chats.adelete_last_message("b"), await chats.adelete_message("b", 0),
            await chats.aget_keys(), await chats.adelete_messages("a"), await chats.aget_messages("a"),
        ]  # fmt: skip

    assert asyncio.run(answers(chats)) == asyncio.run(answers(SimpleChatStore()))


def test_a_message_comes_back_whole(chats):
    message = ChatMessage(
        role=MessageRole.TOOL,
        blocks=[TextBlock(text="ü 😀"), ImageBlock(image=b"\x89PNG", image_mimetype="image/png")],
        additional_kwargs={"tool_call_id": "1", "every": EVERY_TYPE},
    )

    chats.add_message("a", message)

    assert chats.get_messages("a") == [message]


def test_any_text_is_the_key_of_a_chat(chats):
    for key in HOSTILE:
        chats.add_message(key, said(key))

    assert sorted(chats.get_keys()) == sorted(HOSTILE)
    assert [chats.get_messages(key)[0].content for key in HOSTILE] == HOSTILE


def test_two_writers_lose_nothing(server, namespace):
    def write(name):
        chats = BotWireChatStore(namespace, base_url=server.url)
        for number in range(25):
            chats.add_message("a", said(f"{name}{number}"))

    with ThreadPoolExecutor(2) as threads:
        list(threads.map(write, "xy"))

    words = [message.content for message in BotWireChatStore(namespace, base_url=server.url).get_messages("a")]
    assert len(words) == 50
    assert [word for word in words if word.startswith("x")] == [f"x{number}" for number in range(25)]


def test_of_many_that_delete_the_first_message_no_two_get_the_same(chats):
    chats.set_messages("a", [said(str(number)) for number in range(12)])

    with ThreadPoolExecutor(4) as threads:
        deleted = list(threads.map(lambda _: chats.delete_message("a", 0), range(12)))

    assert sorted(int(message.content) for message in deleted) == list(range(12))
    assert chats.get_messages("a") == []


def test_a_message_over_the_limit_of_the_day_says_why_and_the_chat_stays(cramped, namespace):
    chats = BotWireChatStore(namespace, base_url=cramped.url)
    for _ in range(3):
        chats.set_messages("a", [])

    with pytest.raises(DailyWriteLimitError, match=r"has used 3 of its 3 writes of this UTC day\. Write again after"):
        chats.add_message("a", said("lost"))

    assert chats.get_messages("a") == []


def test_no_token_is_in_what_is_serialized_of_it(server, namespace):
    chats = BotWireChatStore(namespace, base_url=server.url, token="secret-token")

    assert chats.to_dict() == {"prefix": "chats/", "class_name": "BotWireChatStore"}
    assert "secret-token" not in repr(chats)


def test_an_engine_in_another_process_goes_on_with_the_chat(run_program, namespace, memory):
    first = run_program(CHAT, namespace, "My name is Ann.")
    second = run_program(CHAT, namespace, "Who am I?")

    assert first == "user: My name is Ann.\nassistant: \n"
    assert "user: My name is Ann." in second
    assert "user: Who am I?" in second
    assert len(memory.get("chats/customers%2F42")) == 4


def test_a_chat_goes_on_after_the_server_was_killed(server, chats):
    memory = ChatMemoryBuffer.from_defaults(chat_store=chats, chat_store_key="a")
    engine = SimpleChatEngine.from_defaults(llm=MockLLM(), memory=memory)
    engine.chat("first")
    server.kill()
    server.start()
    engine.chat("second")

    assert [message.content for message in chats.get_messages("a") if message.role == MessageRole.USER] == [
        "first", "second",
    ]  # fmt: skip


def test_a_memory_that_is_there_can_be_used(server, namespace):
    with Memory(namespace, base_url=server.url, agent="librarian") as memory:
        BotWireKVStore(memory=memory).put("a", {"n": 1})

        assert memory.get_entry("llamaindex/data/a").writer.name == "librarian"


def test_the_program_of_the_page_does_what_it_says(run_page):
    run_page("llamaindex")
