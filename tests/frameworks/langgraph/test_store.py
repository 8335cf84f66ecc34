"""The store on a real server: what LangGraph's interface promises, and what its own stores leave out."""

import time
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import pytest
from langgraph.store.base import GetOp, InvalidNamespaceError, ListNamespacesOp, MatchCondition, PutOp, SearchOp

from botwire import (
    AsyncMemory,
    BotWireConnectionError,
    DailyWriteLimitError,
    Memory,
    UnsupportedValueError,
    ValueTooLargeError,
)
from botwire.langgraph import BotWireStore

HOSTILE = [
    "a/b", "a//b", "/", "100%", "%2F", "..", "what?", "#x", "a b", " ", "🐝", "user:42", "a\\b", "'\"", "*", "a\nb",
    "\x7f", "\x85", "store", "=", "é", "e\u0301",
]  # fmt: skip
PEOPLE = {
    "ada": {"age": 36, "name": "Ada", "langs": ["en", "fr"], "home": {"city": "London", "zip": 1}, "ok": True},
    "bob": {"age": 17, "name": "Bob", "langs": [], "home": {"city": "Paris", "zip": 2}, "ok": False},
    "cyd": {"age": 36.5, "name": None, "home": {"city": "London", "zip": 3}},
    "dan": {"age": "36", "home.city": "Oslo"},
}


@pytest.fixture
def store(server, namespace) -> BotWireStore:
    return BotWireStore(namespace, base_url=server.url)


def keys(items) -> list[str]:
    return [item.key for item in items]


def test_an_item_comes_back_as_it_was_put(store):
    value = {
        "null": None,
        "yes": True,
        "int": 10**30,
        "float": 1.0,
        "text": "ünï 🐝",
        "list": [1, [2]],
        "object": {"a": {}},
    }

    store.put(("users", "ada"), "prefs", value)
    item = store.get(("users", "ada"), "prefs")

    assert item is not None
    assert (item.namespace, item.key, item.value) == (("users", "ada"), "prefs", value)
    assert type(item.value["float"]) is float
    assert item.created_at == item.updated_at
    assert item.created_at.tzinfo is not None


def test_the_entry_of_an_item_is_its_value_for_who_reads_the_memory(store, memory):
    store.put(("users", "ada"), "prefs", {"theme": "dark"})

    assert dict(memory.items()) == {"store/users/ada//prefs": {"theme": "dark"}}


def test_what_is_not_there_is_none(store):
    assert store.get(("users",), "nobody") is None
    assert store.search(("users",)) == []
    assert store.list_namespaces() == []
    store.delete(("users",), "nobody")


def test_updated_at_grows_strictly_and_created_at_stays(store):
    items = []
    for number in range(20):
        store.put(("n",), "k", {"number": number})
        items.append(store.get(("n",), "k"))

    moments = [item.updated_at for item in items]
    assert all(earlier < later for earlier, later in pairwise(moments))
    assert {item.created_at for item in items} == {items[0].created_at}


def test_deleting_removes_one_item(store):
    store.put(("n",), "a", {})
    store.put(("n",), "b", {})

    store.delete(("n",), "a")

    assert keys(store.search(("n",))) == ["b"]


@pytest.mark.parametrize("text", HOSTILE)
def test_any_label_and_any_key_will_do(store, text):
    label = text.replace(".", "dot")
    store.put((label, label), text, {"text": text})

    assert store.get((label, label), text).value == {"text": text}
    (found,) = store.search((label,))
    assert (found.namespace, found.key) == ((label, label), text)
    assert store.list_namespaces() == [(label, label)]


def test_no_two_items_share_an_entry(store):
    places = [
        (("foo",), "bar"), (("foo", "bar"), ""), (("foo/bar",), ""), (("foo", "bar"), "x"), (("foobar",), "x"),
        (("foo",), "bar/x"), (("foo",), "/bar//x"), (("foo",), ""), (("foo%2Fbar",), "x"),
    ]  # fmt: skip

    for place in places:
        store.put(*place, {"place": repr(place)})

    assert [store.get(*place).value for place in places] == [{"place": repr(place)} for place in places]
    assert len(store.search((), limit=100)) == len(places)


def test_a_namespace_is_no_prefix_of_one_whose_name_it_begins(store):
    for namespace in [("foo",), ("foo", "bar"), ("foobar",), ("foo bar",)]:
        store.put(namespace, "k", {})

    assert [item.namespace for item in store.search(("foo",))] == [("foo",), ("foo", "bar")]


@pytest.mark.parametrize("labels", [(), ("a.b",), ("",), ("a\x00",), (1,), ("langgraph",)])
def test_what_is_no_namespace_is_refused_before_anything_is_stored(store, memory, labels):
    with pytest.raises(InvalidNamespaceError):
        store.put(labels, "k", {})

    assert memory.list_keys() == []


@pytest.mark.parametrize("op", [GetOp(("a.b",), "k"), PutOp(("a.b",), "k", {}), SearchOp(("a.b",))])
def test_a_batch_checks_namespaces_too(store, memory, op):
    with pytest.raises(InvalidNamespaceError):
        store.batch([PutOp(("n",), "k", {}), op])

    assert memory.list_keys() == []


@pytest.mark.parametrize(
    ("conditions", "found"),
    [
        ({}, ["ada", "bob", "cyd", "dan"]),
        ({"age": 36}, ["ada"]),
        ({"age": 36.0}, ["ada"]),
        ({"age": "36"}, ["dan"]),
        ({"age": {"$eq": 36}}, ["ada"]),
        ({"age": {"$ne": 36}}, ["bob", "cyd", "dan"]),
        ({"age": {"$gt": 36}}, ["cyd"]),
        ({"age": {"$gte": 36}}, ["ada", "cyd"]),
        ({"age": {"$lt": 36}}, ["bob"]),
        ({"age": {"$lte": 36, "$gt": 17}}, ["ada"]),
        ({"age": {"$gt": "3"}}, ["dan"]),
        ({"name": {"$gt": "A", "$lt": "B"}}, ["ada"]),
        ({"ok": True}, ["ada"]),
        ({"ok": {"$gt": False}}, []),
        ({"ok": 1}, []),
        ({"name": None}, ["cyd", "dan"]),
        ({"langs": ["en", "fr"]}, ["ada"]),
        ({"langs": ("en", "fr")}, ["ada"]),
        ({"home": {"city": "London"}}, ["ada", "cyd"]),
        ({"home": {"city": "London", "zip": {"$gt": 1}}}, ["cyd"]),
        ({"home.city": "London"}, ["ada", "cyd"]),
        ({"home.zip": {"$lte": 2}, "age": {"$gt": 18}}, ["ada"]),
        ({"home.city": "Oslo"}, ["dan"]),
        ({"home.city.name": "x"}, []),
    ],
)
def test_a_search_filters(store, conditions, found):
    store.batch([PutOp(("people",), key, value) for key, value in PEOPLE.items()])

    assert keys(store.search(("people",), filter=conditions)) == found


def test_an_unknown_operator_is_refused(store):
    store.put(("n",), "k", {"a": 1})

    with pytest.raises(ValueError, match=r"\$regex"):
        store.search(("n",), filter={"a": {"$regex": "x"}})


def test_a_search_is_paged(store):
    store.batch([PutOp(("n",), f"{number:03}", {"even": number % 2 == 0}) for number in range(40)])

    assert keys(store.search(("n",))) == [f"{number:03}" for number in range(10)]
    assert keys(store.search(("n",), limit=3, offset=38)) == ["038", "039"]
    assert keys(store.search(("n",), filter={"even": True}, limit=2, offset=18)) == ["036", "038"]
    assert store.search(("n",), limit=0) == []


@pytest.mark.parametrize(
    ("options", "found"),
    [
        (
            {},
            [
                ("a", "b", "c"),
                ("a", "b", "d", "e"),
                ("a", "b", "d", "i"),
                ("a", "b", "f"),
                ("a", "c", "f"),
                ("ab", "f"),
            ],
        ),
        ({"prefix": ("a", "b"), "max_depth": 3}, [("a", "b", "c"), ("a", "b", "d"), ("a", "b", "f")]),
        ({"prefix": ("a", "*", "f")}, [("a", "b", "f"), ("a", "c", "f")]),
        ({"prefix": ("*", "c")}, [("a", "c", "f")]),
        ({"suffix": ("f",)}, [("a", "b", "f"), ("a", "c", "f"), ("ab", "f")]),
        ({"suffix": ("d", "*")}, [("a", "b", "d", "e"), ("a", "b", "d", "i")]),
        ({"prefix": ("a",), "suffix": ("f",)}, [("a", "b", "f"), ("a", "c", "f")]),
        ({"max_depth": 1}, [("a",), ("ab",)]),
        ({"limit": 2, "offset": 1}, [("a", "b", "d", "e"), ("a", "b", "d", "i")]),
        ({"prefix": ("a", "b", "c", "d", "e")}, []),
    ],
)
def test_namespaces_are_listed(store, options, found):
    for namespace in ["a/b/c", "a/b/d/e", "a/b/d/i", "a/b/f", "a/c/f", "ab/f"]:
        store.put(tuple(namespace.split("/")), "k", {})

    assert store.list_namespaces(**options) == found


def test_what_a_batch_reads_is_from_before_what_it_puts(store):
    store.put(("n",), "k", {"number": 1})

    got, put, found, again, listed = store.batch(
        [
            GetOp(("n",), "k"), PutOp(("n",), "k", {"number": 2}), SearchOp(("n",)), PutOp(("n",), "k", {"number": 3}),
            ListNamespacesOp((MatchCondition("prefix", ("n",)),)),
        ]
    )  # fmt: skip

    assert (got.value, [item.value for item in found], listed) == ({"number": 1}, [{"number": 1}], [("n",)])
    assert (put, again) == (None, None)
    assert store.get(("n",), "k").value == {"number": 3}


def test_a_batch_puts_all_or_nothing(cramped, namespace):
    store = BotWireStore(namespace, base_url=cramped.url)

    with pytest.raises(ValueTooLargeError):
        store.batch([PutOp(("n",), "small", {}), PutOp(("n",), "large", {"text": "x" * 200})])

    assert store.search(()) == []


def test_the_limit_is_told_and_changes_nothing(cramped, namespace):
    store = BotWireStore(namespace, base_url=cramped.url)
    for number in range(3):
        store.put(("n",), "k", {"number": number})

    with pytest.raises(DailyWriteLimitError, match="3 writes"):
        store.put(("n",), "k", {"number": 3})

    assert store.get(("n",), "k").value == {"number": 2}


def test_an_item_expires(store):
    store.put(("n",), "short", {}, ttl=1 / 60)
    store.put(("n",), "long", {}, ttl=10)

    time.sleep(1.2)

    assert store.get(("n",), "short") is None
    assert keys(store.search(("n",))) == ["long"]


@pytest.mark.parametrize("read", [lambda store: store.get(("n",), "k"), lambda store: store.search(("n",))])
def test_reading_prolongs_an_item_s_life_and_is_no_update(store, read):
    store.put(("n",), "k", {"a": 1}, ttl=2 / 60)
    before = store.get(("n",), "k", refresh_ttl=False)

    time.sleep(1.2)
    read(store)
    time.sleep(1.2)

    after = store.get(("n",), "k", refresh_ttl=False)
    assert after is not None
    assert (after.value, after.created_at, after.updated_at) == ({"a": 1}, before.created_at, before.updated_at)
    time.sleep(1)
    assert store.get(("n",), "k") is None


def test_a_configuration_sets_the_default_and_leaves_reading_alone(server, namespace, memory):
    store = BotWireStore(namespace, base_url=server.url, ttl={"default_ttl": 10, "refresh_on_read": False})
    store.put(("n",), "k", {})
    store.put(("n",), "stays", {}, ttl=None)
    before = memory.get_entry("store/n//k")

    store.get(("n",), "k")
    store.search(("n",))

    assert memory.get_entry("store/n//k") == before
    assert 500 < (before.expires_at - before.updated_at).total_seconds() < 700
    assert memory.get_entry("store/n//stays").expires_at is None


def test_a_read_is_answered_though_it_can_not_prolong(cramped, namespace):
    store = BotWireStore(namespace, base_url=cramped.url)
    store.put(("n",), "k", {"a": 1}, ttl=10)
    store.put(("n",), "other", {})
    store.put(("n",), "other", {})

    assert store.get(("n",), "k").value == {"a": 1}
    assert keys(store.search(("n",))) == ["k", "other"]


def test_two_writers_at_once_lose_nothing(server, namespace, store):
    def write(writer: int) -> None:
        own = BotWireStore(namespace, base_url=server.url)
        for number in range(25):
            own.put(("writers", str(writer)), str(number), {"number": number})

    with ThreadPoolExecutor(2) as threads:
        list(threads.map(write, range(2)))

    assert len(store.search(("writers",), limit=100)) == 50


def test_a_restart_in_the_middle_loses_nothing(server, store):
    store.put(("n",), "before", {})
    server.kill()

    with pytest.raises(BotWireConnectionError):
        store.put(("n",), "meanwhile", {})
    server.start()
    store.put(("n",), "after", {})

    assert keys(store.search(("n",))) == ["after", "before"]


def test_what_is_not_json_is_refused(store, memory):
    with pytest.raises(UnsupportedValueError):
        store.put(("n",), "k", {"set": {1}})

    assert memory.list_keys() == []


def test_what_others_left_that_is_no_item_is_passed_over(store, memory):
    store.put(("n",), "k", {"a": 1})
    for key, value in {
        "store/n//text": "x",
        "store/n//list": [{}, "no time"],
        "store": {},
        "store/n": {},
        "other": {},
    }.items():
        memory.set(key, value)

    assert keys(store.search(())) == ["k"]
    assert store.get(("n",), "list") is None
    assert store.list_namespaces() == [("n",)]


async def test_it_is_awaited_the_same(server, namespace):
    async with AsyncMemory(namespace, base_url=server.url) as memory:
        store = BotWireStore(memory=memory)

        await store.aput(("n",), "k", {"a": 1})
        await store.aput(("n",), "gone", {"a": 2})
        await store.adelete(("n",), "gone")

        assert (await store.aget(("n",), "k")).value == {"a": 1}
        assert keys(await store.asearch(("n",), filter={"a": {"$gte": 1}})) == ["k"]
        assert await store.alist_namespaces() == [("n",)]


def test_a_memory_to_await_will_do_for_calling_too(server, namespace):
    token = Memory.create(namespace, name="keeper", base_url=server.url).token
    store = BotWireStore(memory=AsyncMemory(namespace, base_url=server.url, token=token, agent="keeper"))

    store.put(("n",), "k", {"a": 1})

    assert keys(store.search(("n",))) == ["k"]
    assert token not in repr(store)
