"""What Memory promises, against a real server on both databases."""

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from botwire import (
    InvalidRequestError,
    JSONTooDeepError,
    KeyNotFoundError,
    Memory,
    NamespaceNotFoundError,
    PreconditionFailedError,
    ValueTooLargeError,
    Writer,
)
from botwire import _exceptions as exceptions
from tests.client.samples import HOSTILE_KEYS, HOSTILE_VALUES, exactly

CLIENT_README = Path(__file__).parents[2] / "client" / "README.md"


def test_every_value_comes_back_as_it_went_in(memory):
    for number, value in enumerate(HOSTILE_VALUES):
        memory.set(f"key-{number}", value)

    came_back = [memory.get(f"key-{number}", "missing") for number in range(len(HOSTILE_VALUES))]

    assert [*map(exactly, came_back)] == [*map(exactly, HOSTILE_VALUES)]


def test_every_key_is_a_key_of_its_own(memory):
    for number, key in enumerate(HOSTILE_KEYS):
        assert memory.set(key, number).created

    assert [memory.get(key) for key in HOSTILE_KEYS] == [*range(len(HOSTILE_KEYS))]
    assert memory.list_keys() == sorted(HOSTILE_KEYS, key=str.encode)
    assert all(memory.exists(key) for key in HOSTILE_KEYS)
    assert all(memory.delete(key) for key in HOSTILE_KEYS)
    assert len(memory) == 0


def test_a_set_tells_what_it_did(memory, namespace):
    before = datetime.now(UTC)

    result = memory.set("tsla", {"signal": "buy"})

    after = datetime.now(UTC)
    assert (result.namespace, result.key, result.created, result.expires_at) == (namespace, "tsla", True, None)
    assert (result.version, result.bytes) == (1, len("tsla") + len('{"signal":"buy"}'))
    assert before - timedelta(seconds=1) <= result.created_at == result.updated_at <= after + timedelta(seconds=1)
    assert result.created_at.tzinfo is not None


def test_a_second_set_replaces_and_its_version_is_greater(memory):
    first = memory.set("tsla", 1)

    second = memory.set("tsla", 2)

    assert not second.created
    assert second.version > first.version
    assert second.created_at == first.created_at
    assert second.updated_at >= first.updated_at
    assert memory.get("tsla") == 2


def test_an_entry_has_value_version_writer_and_times(memory, namespace):
    written = memory.set("tsla", [1], ttl=60)

    entry = memory.get_entry("tsla")

    assert (entry.namespace, entry.key, entry.value, entry.version) == (namespace, "tsla", [1], written.version)
    assert entry.writer == Writer(name="tester", verified=False)
    assert (entry.created_at, entry.updated_at, entry.expires_at) == (
        written.created_at,
        written.updated_at,
        written.expires_at,
    )


@pytest.mark.parametrize("agent", ["quant-1", "Quant 1 (desk)", "100% ü 😀", " padded "])
def test_the_agent_s_name_is_shown_as_the_writer(agent, server, namespace):
    with Memory(namespace, base_url=server.url, agent=agent) as memory:
        memory.set("tsla", 1)

        assert memory.get_entry("tsla").writer == Writer(name=agent, verified=False)


def test_without_an_agent_there_is_no_writer(server, namespace):
    with Memory(namespace, base_url=server.url) as memory:
        memory.set("tsla", 1)

        assert memory.get_entry("tsla").writer is None


def test_get_gives_the_default_only_where_there_is_no_entry(memory):
    memory.set("none", None)

    assert memory.get("none", "default") is None
    assert memory.get("missing", "default") == "default"
    assert memory.get("missing") is None


def test_get_entry_of_a_missing_key_raises_key_not_found(memory):
    with pytest.raises(KeyNotFoundError):
        memory.get_entry("missing")


@pytest.mark.parametrize("ttl", [1, 1.0, timedelta(seconds=1)])
def test_an_entry_is_gone_after_its_ttl(ttl, memory):
    result = memory.set("quote", 1, ttl=ttl)

    assert result.expires_at - result.updated_at == timedelta(seconds=1)
    assert memory.exists("quote")
    time.sleep(1.1)
    assert not memory.exists("quote")
    assert memory.get("quote") is None
    assert len(memory) == 0


def test_a_set_without_ttl_removes_an_earlier_one(memory):
    memory.set("quote", 1, ttl=60)

    assert memory.set("quote", 2).expires_at is None


@pytest.mark.parametrize("ttl", [0, -1, 315_360_001])
def test_a_ttl_out_of_range_raises_invalid_ttl_and_writes_nothing(ttl, memory):
    with pytest.raises(exceptions.InvalidTTLError):
        memory.set("quote", 1, ttl=ttl)

    assert "quote" not in memory


def test_if_absent_writes_once(memory):
    first = memory.set("lock", "me", if_absent=True)

    with pytest.raises(PreconditionFailedError) as caught:
        memory.set("lock", "you", if_absent=True)

    assert caught.value.current_version == first.version
    assert memory.get("lock") == "me"


def test_if_version_writes_only_over_that_version(memory):
    first = memory.set("counter", 1)
    second = memory.set("counter", 2, if_version=first.version)

    with pytest.raises(PreconditionFailedError) as caught:
        memory.set("counter", 3, if_version=first.version)

    assert caught.value.current_version == second.version
    assert memory.get("counter") == 2


def test_if_version_of_a_missing_key_raises_without_a_version(memory):
    with pytest.raises(PreconditionFailedError) as caught:
        memory.set("missing", 1, if_version=1)

    assert caught.value.current_version is None
    assert "missing" not in memory


def test_delete_tells_whether_the_key_was_there(memory):
    memory.set("tsla", 1)

    assert memory.delete("tsla") is True
    assert memory.delete("tsla") is False
    assert memory.get("tsla") is None


def test_delete_in_a_namespace_that_never_was_is_false(memory):
    assert memory.delete("tsla") is False


def test_a_conditional_delete_deletes_only_that_version(memory):
    first = memory.set("tsla", 1)
    second = memory.set("tsla", 2)

    with pytest.raises(PreconditionFailedError) as caught:
        memory.delete("tsla", if_version=first.version)

    assert caught.value.current_version == second.version
    assert memory.delete("tsla", if_version=second.version) is True
    with pytest.raises(PreconditionFailedError):
        memory.delete("tsla", if_version=second.version)


def test_list_keys_keys_and_list_are_the_same(memory):
    for key in ("b", "a", "user:1", "user:2"):
        memory.set(key, 1)

    assert memory.list_keys() == memory.keys() == memory.list() == [*memory] == ["a", "b", "user:1", "user:2"]
    assert memory.list_keys("user:") == memory.keys("user:") == memory.list("user:") == ["user:1", "user:2"]
    assert len(memory) == 4


def test_lists_longer_than_a_page_come_whole_and_in_order(cramped, namespace):
    with Memory(namespace, base_url=cramped.url) as memory:
        for number in range(50):
            memory.set(f"key/{number:02}", number)
        memory.set("other", None)

        assert memory.list_keys("key/") == [f"key/{number:02}" for number in range(50)]
        assert [*memory.items("key/")] == [(f"key/{number:02}", number) for number in range(50)]
        assert len(memory) == 51


def test_items_of_a_namespace_that_fills_several_pages_come_whole(memory):
    big = "x" * 1_000_000
    for number in range(20):
        memory.set(f"key-{number:02}", [number, big])

    items = [*memory.items()]

    assert [(key, value[0]) for key, value in items] == [(f"key-{number:02}", number) for number in range(20)]
    assert all(value[1] == big for _, value in items)


def test_a_namespace_that_never_was_has_no_keys(memory):
    assert memory.list_keys() == []
    assert [*memory.items()] == []
    assert len(memory) == 0
    assert not memory.exists("a")


def test_exists_is_about_the_key_and_not_about_longer_ones(memory):
    memory.set("user:42", 1)

    assert memory.exists("user:42")
    assert not memory.exists("user:4")
    assert "user:42" in memory
    assert "user:" not in memory


def test_the_memory_is_used_like_a_dict(memory):
    memory["tsla"] = {"signal": "buy"}

    assert memory["tsla"] == {"signal": "buy"}
    del memory["tsla"]
    with pytest.raises(KeyError):
        memory["tsla"]
    with pytest.raises(KeyError):
        del memory["tsla"]


def test_clear_deletes_what_begins_so_and_tells_how_many(memory):
    for key in ("user:1", "user:2", "users"):
        memory.set(key, 1)

    assert memory.clear("user:") == 2
    assert memory.list_keys() == ["users"]
    assert memory.clear("user:") == 0
    assert memory.clear() == 1
    assert memory.list_keys() == []


def test_clear_of_a_namespace_that_never_was_is_0(memory):
    assert memory.clear() == 0


def test_usage_tells_what_is_used_of_what(memory, namespace):
    memory.set("tsla", 1)
    memory.set("tsla", 22)
    memory.delete("missing")

    usage = memory.usage()

    assert (usage.namespace, usage.access, usage.status, usage.reason, usage.until) == (
        namespace, "open", "active", None, None,
    )  # fmt: skip
    assert (usage.revision, usage.writes, usage.bytes, usage.entries) == (2, 2, len("tsla22"), 1)
    assert (usage.limits.writes_per_day, usage.limits.bytes) == (1_000, 52_428_800)
    assert usage.day == usage.last_write_at.date()
    assert usage.resets_at == datetime.combine(usage.day, datetime.min.time(), UTC) + timedelta(days=1)


def test_usage_of_a_namespace_that_never_was_raises_namespace_not_found(memory):
    with pytest.raises(NamespaceNotFoundError):
        memory.usage()


def test_a_value_over_the_limit_raises_with_the_limit_and_writes_nothing(memory):
    with pytest.raises(ValueTooLargeError) as caught:
        memory.set("big", "x" * 1_048_575)

    assert (caught.value.limit, caught.value.used) == (1_048_576, 1_048_577)
    assert "big" not in memory
    memory.set("big", "x" * 1_048_574)


def test_a_value_nested_too_deep_raises_with_the_limit_and_writes_nothing(memory):
    deep = []
    for _ in range(64):
        deep = [deep]

    with pytest.raises(JSONTooDeepError) as caught:
        memory.set("deep", deep)

    assert caught.value.limit == 64
    assert "deep" not in memory
    memory.set("deep", deep[0])


def test_an_agent_s_name_over_the_limit_raises(server, namespace):
    with Memory(namespace, base_url=server.url, agent="é" * 65) as memory, pytest.raises(InvalidRequestError) as caught:
        memory.set("tsla", 1)

    assert type(caught.value) is exceptions.InvalidAgentError
    assert caught.value.limit == 128


def test_another_address_of_the_server_is_not_taken_for_the_api(server, namespace):
    with (
        Memory(namespace, base_url=f"{server.url}/nowhere") as memory,
        pytest.raises(exceptions.PathNotFoundError),
    ):
        memory.get("tsla")


def test_the_daily_limit_raises_with_its_facts_and_writes_nothing(cramped, namespace):
    with Memory(namespace, base_url=cramped.url) as memory:
        for _ in range(60):
            memory.set("a", 1)

        with pytest.raises(exceptions.DailyWriteLimitError) as caught:
            memory.set("b", 1)

        assert (caught.value.limit, caught.value.used) == (60, 60)
        assert caught.value.resets_at == memory.usage().resets_at
        assert 0 < caught.value.retry_after <= 86_400
        assert memory.list_keys() == ["a"]


def test_the_storage_limit_raises_with_its_facts_and_writes_nothing(cramped, namespace):
    with Memory(namespace, base_url=cramped.url) as memory:
        memory.set("a", "x" * 997)

        with pytest.raises(exceptions.StorageLimitError) as caught:
            memory.set("b", 1)

        assert (caught.value.limit, caught.value.used, caught.value.needed) == (1_001, 1_000, 2)
        assert memory.list_keys() == ["a"]


def test_one_memory_outlives_the_server_s_restart(make_server, namespace):
    server = make_server()
    with Memory(namespace, base_url=server.url) as memory:
        memory.set("tsla", 1)

        server.kill()
        with pytest.raises(exceptions.BotWireConnectionError):
            memory.set("tsla", 2)
        server.start()

        assert memory.get("tsla") == 1
        assert memory.set("tsla", 3).version == 2


def test_the_readme_s_examples_run(server, namespace, monkeypatch):
    monkeypatch.setenv("BOTWIRE_URL", server.url)
    blocks = CLIENT_README.read_text().split("```python\n")[1:]
    program = "".join(block.partition("```")[0] for block in blocks).replace("trading-desk", namespace)
    names: dict = {}

    exec(compile(program, "README.md", "exec"), names)

    assert names["memory"].list_keys() == [
        "balance", "best", "deployed", "lock", "log", "payments", "quote", "state", "status", "tsla_signal", "visits",
    ]  # fmt: skip
