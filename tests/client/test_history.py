"""What was, and the way back to it: versions, restore, rollback and quarantine, against a real server."""

import json
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from botwire import (
    AsyncMemory,
    EntryQuarantinedError,
    InvalidAgentError,
    Memory,
    Move,
    NamespaceNotFoundError,
    PreconditionFailedError,
    RollbackNotFoundError,
    VersionNotFoundError,
    Writer,
)
from tests.client.answers import problem

BOT7 = Writer("bot7", verified=False)


@pytest.fixture
def bot7(server, namespace):
    with Memory(namespace, base_url=server.url, agent="bot7") as memory:
        yield memory


@pytest.fixture
def roomy(make_lasting_server):
    """A server where a batch, and so a rollback at once, is small."""
    return make_lasting_server(BOTWIRE_BATCH_OPERATIONS="3", BOTWIRE_NEW_NAMESPACES_PER_HOUR="1000000")


def test_the_versions_of_a_key_come_newest_first(memory, bot7):
    memory.set("k", {"a": 1})
    bot7.set("k", None)
    memory.delete("k")

    told, with_values = list(memory.history("k")), list(memory.history("k", values=True))

    assert [(one.version, one.kind, one.writer, one.value) for one in with_values] == [
        (3, "delete", Writer("tester", verified=False), None),
        (2, "set", BOT7, None),
        (1, "set", Writer("tester", verified=False), {"a": 1}),
    ]
    assert [(one.version, one.bytes, one.at, one.value) for one in told] == [
        (one.version, one.bytes, one.at, None) for one in with_values
    ]
    assert list(memory.history("missing")) == []


def test_more_versions_than_a_page_come_whole(cramped, namespace):
    with Memory(namespace, base_url=cramped.url) as memory:
        for number in range(17):
            memory.set("k", number)

        assert [one.value for one in memory.history("k", values=True)] == [*reversed(range(17))]


def test_a_value_is_read_by_its_version(memory):
    memory.set("k", [1])
    memory.set("k", 2)

    assert memory.get("k", version=1) == [1]
    assert memory.get("k", version=3) is None
    assert memory.get("k", "nothing", version=3) == "nothing"
    with pytest.raises(TypeError):
        memory.get("k", version="1")


def test_a_key_is_restored_to_what_it_was(memory):
    memory.set("k", [1])
    memory.delete("k")

    restored = memory.restore("k", 1, ttl=60)

    assert (restored.version, restored.created) == (3, True)
    assert restored.expires_at - restored.updated_at == timedelta(seconds=60)
    assert memory["k"] == [1]
    with pytest.raises(VersionNotFoundError) as caught:
        memory.restore("k", 2)
    assert caught.value.versions == (3, 1)
    with pytest.raises(PreconditionFailedError):
        memory.restore("k", 1, if_version=1)
    assert memory.restore("k", 1, if_version=3).version == 4


def test_changes_are_chosen_by_who_made_them(memory, bot7):
    memory.set("a", 1)
    bot7.set("b", 2)
    Memory(memory.namespace, base_url=str(memory._settings.base_url)).set("c", 3)

    def keys(**chosen):
        return [change.key for change in memory.changes(0, **chosen).changes]

    assert keys(writer="bot7") == keys(writer=BOT7) == ["b"]
    assert keys(writer=Writer("bot7", verified=True)) == []
    assert keys(verified=False) == ["a", "b", "c"]
    assert keys(verified=True) == []


def test_what_a_writer_did_is_taken_back(memory, bot7):
    memory.set("a", "true")
    bot7.set_many({"a": "lie", "b": "lie", "c": "lie"})
    memory.set("c", "built on")

    told = memory.rollback(writer="bot7", dry_run=True)
    before = dict(memory.items())
    done = memory.rollback(writer=BOT7)

    assert before == {"a": "lie", "b": "lie", "c": "built on"}
    assert dict(memory.items()) == {"a": "true", "c": "built on"}
    assert (told.is_dry_run, done.is_dry_run, done.state, done.job, done.is_complete) == (
        True,
        False,
        "done",
        None,
        True,
    )
    for report in (told, done):
        assert (report.keys, report.restored, report.deleted, report.kept) == (3, 1, 1, 1)
        assert sorted(report.changes, key=lambda move: move.key) == [Move("a", 2, 1), Move("b", 3, None)]
        assert [(left.key, left.why) for left in report.left] == [("c", "kept")]
    assert (done.writer, done.since, done.until, done.oldest_revision, done.reached) == (BOT7, 0, 5, 1, 5)


def test_since_and_prefix_choose_keys(memory, bot7):
    bot7.set("a", 1)
    bot7.set("b", 1)

    def keys(**chosen):
        return sorted(move.key for move in memory.rollback(writer="bot7", dry_run=True, **chosen).changes)

    assert keys(since=1) == ["b"]
    assert keys(prefix="a") == ["a"]
    assert keys(since=datetime.now(UTC) - timedelta(hours=1)) == ["a", "b"]
    assert keys(since=datetime.now(UTC) + timedelta(hours=1)) == []
    assert keys(verified=True) == []


def test_those_who_gave_no_name_are_named_by_none(server, namespace, memory):
    with Memory(namespace, base_url=server.url) as nameless:
        nameless.set("a", 1)
    memory.set("b", 1)

    assert memory.rollback(writer=None).deleted == 1
    assert memory.list_keys() == ["b"]


def test_a_name_is_a_verified_writer_s_where_there_is_a_token():
    bodies = []

    def answer(request):
        bodies.append(json.loads(request.content))
        return problem(404, "namespace_not_found")

    transport = httpx.MockTransport(answer)
    for options in ({}, {"token": "bw_x"}):
        with Memory("desk", base_url="http://server", transport=transport, **options) as memory:
            for arguments in ({"writer": "bot7"}, {"writer": "bot7", "verified": False}, {"writer": None}):
                with pytest.raises(NamespaceNotFoundError):
                    memory.rollback(**arguments)

    assert [(body["writer"], body["verified"]) for body in bodies] == [
        ("bot7", False),
        ("bot7", False),
        ("", False),
        ("bot7", True),
        ("bot7", False),
        ("", False),
    ]


def test_a_large_rollback_is_waited_for(roomy, namespace):
    with Memory(namespace, base_url=roomy.url, agent="bot7") as memory:
        for number in range(8):
            memory.set(f"k{number}", number)

        done = memory.rollback(writer="bot7")

        assert (done.state, done.deleted, done.reached, done.is_complete) == ("done", 8, 8, True)
        assert done.job is not None
        assert memory.rollback_progress(done.job) == done
        assert memory.cancel_rollback(done.job) == done, "it has ended"
        assert len(memory) == 0
        with pytest.raises(RollbackNotFoundError):
            memory.rollback_progress("2026-01-31T09:00:00Z")


def test_a_large_rollback_need_not_be_waited_for(roomy, namespace):
    with Memory(namespace, base_url=roomy.url, agent="bot7") as memory:
        for number in range(8):
            memory.set(f"k{number}", number)

        begun = memory.rollback(writer="bot7", wait=False)

        assert (begun.state, begun.is_complete) == ("running", False)
        assert memory.cancel_rollback(begun.job).state in ("cancelled", "done")


def test_a_writer_in_quarantine_is_read_by_nobody_until_it_is_released(memory, bot7):
    bot7.set("k", ["lie"])

    placed = memory.quarantine("bot7", "made up")

    assert (placed.writer, placed.reason, placed.by) == (BOT7, "made up", Writer("tester", verified=False))
    assert memory.quarantined() == [placed]
    assert memory.get("k") is None
    assert memory.get_many(["k"]) == {}
    assert not memory.exists("k")
    assert [change.value for change in memory.changes(0).changes] == [None]
    with pytest.raises(EntryQuarantinedError) as caught:
        memory.append("k", 1)
    assert caught.value.current_version == 1
    assert [memory.release(BOT7), memory.release(BOT7)] == [True, False]
    assert memory["k"] == ["lie"]
    with pytest.raises(InvalidAgentError):
        memory.quarantine("operator", verified=True)


def test_all_of_it_is_there_for_asyncio(server, namespace, run):
    async def work():
        async with AsyncMemory(namespace, base_url=server.url, agent="bot7") as memory:
            await memory.set("k", 1)
            await memory.set("k", 2)
            assert [one.value async for one in memory.history("k", values=True)] == [2, 1]
            assert await memory.get("k", version=1) == 1
            assert (await memory.restore("k", 1)).version == 3
            assert [change.revision for change in (await memory.changes(0, writer="bot7")).changes] == [1, 2, 3]
            await memory.quarantine(BOT7, "made up")
            assert [one.writer for one in await memory.quarantined()] == [BOT7]
            assert await memory.get("k") is None
            assert await memory.release("bot7")
            assert not await memory.release("bot7")
            return await memory.rollback(writer="bot7")

    assert run(work()).deleted == 1


def test_a_large_rollback_is_waited_for_by_asyncio_too(roomy, namespace, run):
    async def work():
        async with AsyncMemory(namespace, base_url=roomy.url, agent="bot7") as memory:
            for number in range(5):
                await memory.set(f"k{number}", number)
            done = await memory.rollback(writer="bot7")
            assert await memory.rollback_progress(done.job) == done
            assert await memory.cancel_rollback(done.job) == done
            return done

    assert run(work()).deleted == 5


def test_what_is_no_writer_is_refused_before_anything_is_sent(recorded, requests_sent):
    for writer in (7, b"bot7"):
        with pytest.raises(TypeError):
            recorded.rollback(writer=writer)
    assert requests_sent == []
