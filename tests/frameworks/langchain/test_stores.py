"""Key-value stores and the cache on a real server, in what LangChain's own suites leave out."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from langchain_core.language_models import GenericFakeChatModel
from langchain_core.messages import AIMessage
from langchain_core.outputs import ChatGeneration, Generation

from botwire import BotWireConnectionError, DailyWriteLimitError, InvalidKeyError, UnsupportedValueError
from botwire.langchain import BotWireByteStore, BotWireCache, BotWireKVStore

JSON_VALUES = [
    True, False, 0, 1, 10**30, 1.5, 1.0, "", "1", "null", "ünï 🐝\n", [], [1, [None]], {}, {"b": 1, "a": {"c": [2.5]}},
]  # fmt: skip
KEYS = ["a/b", "100%", "what?", "#", " ", "🐝", "user:42", "a\\b", "'\"", "x" * 500]


@pytest.fixture
def store(server, namespace) -> BotWireKVStore:
    return BotWireKVStore(namespace, base_url=server.url)


@pytest.fixture
def cache(server, namespace) -> BotWireCache:
    return BotWireCache(namespace, base_url=server.url)


def test_values_come_back_as_they_were_set(store):
    store.mset([(f"k{number}", value) for number, value in enumerate(JSON_VALUES)])

    found = store.mget([f"k{number}" for number in range(len(JSON_VALUES))])

    assert found == JSON_VALUES
    assert [type(value) for value in found] == [type(value) for value in JSON_VALUES]


def test_any_key_will_do_and_is_the_memory_s_own(store, memory):
    store.mset([(key, key) for key in KEYS])

    assert store.mget(KEYS) == KEYS
    assert sorted(store.yield_keys()) == sorted(KEYS)
    assert dict(memory.items()) == {key: key for key in KEYS}


@pytest.mark.parametrize("key", ["", "..", "a/../b", "a\x00b", "x" * 513])
def test_what_can_not_be_a_key_is_refused_and_nothing_is_set(store, memory, key):
    with pytest.raises(InvalidKeyError):
        store.mset([("fine", 1), (key, 2)])

    assert memory.list_keys() == []


def test_a_prefix_keeps_two_stores_apart(server, namespace, store):
    own = BotWireKVStore(namespace, base_url=server.url, prefix="own/")
    own.mset([("k", 1)])
    store.mset([("k", 2)])

    own.mdelete(["k", "not there"])

    assert own.mget(["k"]) == [None]
    assert store.mget(["k"]) == [2]


def test_keys_are_yielded_by_prefix_and_given_back_as_they_are_got(server, namespace):
    store = BotWireKVStore(namespace, base_url=server.url, prefix="own/")
    store.mset([("a1", 1), ("a2", 2), ("b", 3)])

    assert [*store.yield_keys(prefix="a")] == ["a1", "a2"]
    assert store.mget([*store.yield_keys(prefix="a")]) == [1, 2]


def test_the_same_key_may_be_asked_for_twice(store):
    store.mset([("k", 1)])

    assert store.mget(["k", "not there", "k"]) == [1, None, 1]


def test_what_is_set_at_once_is_set_all_or_not_at_all(few_writes, namespace):
    store = BotWireKVStore(namespace, base_url=few_writes.url)

    with pytest.raises(DailyWriteLimitError, match="10 writes"):
        store.mset([(str(number), number) for number in range(11)])

    assert [*store.yield_keys()] == []


def test_what_is_no_json_is_refused(store, memory):
    with pytest.raises(UnsupportedValueError):
        store.mset([("k", {1, 2})])

    assert memory.list_keys() == []


def test_two_writers_at_once_lose_nothing(server, namespace, store):
    def write(writer: int) -> None:
        own = BotWireKVStore(namespace, base_url=server.url)
        for number in range(25):
            own.mset([(f"{writer}/{number}", number)])

    with ThreadPoolExecutor(2) as threads:
        list(threads.map(write, range(2)))

    assert len([*store.yield_keys()]) == 50


def test_bytes_of_every_kind_come_back(server, namespace):
    store = BotWireByteStore(namespace, base_url=server.url)
    values = [bytes(range(256)), b"", b"\xff" * 100_000]

    store.mset([*zip("abc", values, strict=True)])

    assert store.mget("abc") == values


@pytest.mark.parametrize("value", [{"a": 1}, 1, "no Base64!", None])
def test_what_others_left_that_is_no_bytes_is_told(server, namespace, memory, value):
    memory.set("k", value)

    with pytest.raises(ValueError, match=r"no bytes|base64|Non-base64"):
        BotWireByteStore(namespace, base_url=server.url).mget(["k"])


def test_a_restart_in_the_middle_loses_nothing(server, store):
    store.mset([("k", 1)])
    server.kill()

    with pytest.raises(BotWireConnectionError):
        store.mset([("k", 2)])
    server.start()

    assert store.mget(["k"]) == [1]


def test_a_model_that_was_asked_once_is_not_asked_again(cache):
    first = GenericFakeChatModel(messages=iter([AIMessage("42", response_metadata={"model": "x"})]), cache=cache)
    second = GenericFakeChatModel(messages=iter([]), cache=cache)

    assert first.invoke("6 x 7?").content == "42"
    again = second.invoke("6 x 7?")

    assert (again.content, again.response_metadata["model"]) == ("42", "x")


def test_another_model_or_prompt_is_another_answer(cache):
    cache.update("ab", "c", [Generation(text="1")])
    cache.update("a", "bc", [Generation(text="2")])

    assert [cache.lookup("ab", "c"), cache.lookup("a", "bc")] == [[Generation(text="1")], [Generation(text="2")]]
    assert cache.lookup("b", "ac") is None


def test_answers_of_chat_models_come_back_whole(cache):
    message = AIMessage("", tool_calls=[{"name": "f", "args": {"n": [1, None]}, "id": "1", "type": "tool_call"}])
    answers = [ChatGeneration(message=message, generation_info={"stop": True}), ChatGeneration(message=AIMessage("x"))]

    cache.update("p", "m", answers)

    assert cache.lookup("p", "m") == answers


@pytest.mark.parametrize(
    "left",
    [
        1, "text", None, [1], [{}], [{"text": 1, "generation_info": None}], [{"message": {}}],
        [{"message": {"type": "os.system", "data": {}}, "generation_info": None}],
        {"lc": 1, "type": "constructor", "id": ["langchain_core", "messages", "AIMessage"], "kwargs": {}},
    ],
)  # fmt: skip
def test_what_others_left_that_is_no_answer_is_a_miss(cache, memory, left):
    cache.update("p", "m", [Generation(text="1")])
    (key,) = memory.list_keys()

    memory.set(key, left)

    assert cache.lookup("p", "m") is None


def test_clearing_forgets_the_answers_and_nothing_else(cache, memory):
    cache.update("p", "m", [Generation(text="1")])
    memory.set("other", 1)

    cache.clear()

    assert memory.list_keys() == ["other"]


def test_an_answer_expires(server, namespace, memory):
    BotWireCache(namespace, base_url=server.url, ttl=60).update("p", "m", [Generation(text="1")])

    (key,) = memory.list_keys()
    entry = memory.get_entry(key)
    assert (entry.expires_at - entry.updated_at).total_seconds() == 60


def test_a_cache_that_can_not_write_ends_no_run(cramped, namespace, caplog):
    cache = BotWireCache(namespace, base_url=cramped.url)
    model = GenericFakeChatModel(messages=iter([AIMessage("x" * 300)]), cache=cache)

    assert model.invoke("?").content == "x" * 300

    assert "The cache was not written: This value is" in caplog.text
    assert cache.lookup("?", "") is None


def test_a_cache_that_can_not_be_reached_ends_no_run(caplog):
    cache = BotWireCache("desk", base_url="http://127.0.0.1:1")
    model = GenericFakeChatModel(messages=iter([AIMessage("42")]), cache=cache)

    assert model.invoke("?").content == "42"

    assert "The cache was not read: No answer from" in caplog.text
