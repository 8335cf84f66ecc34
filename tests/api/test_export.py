"""Exports: everything under a prefix as it was at one revision, in lines of JSON that a trailer vouches for."""

import asyncio
import hashlib
import json
import threading
import time
from concurrent.futures import CancelledError
from datetime import timedelta

import pytest
from django.db import connection

from namespaces import access, clock, exporting, quarantining, tokens, writing
from namespaces.callers import AN_OPERATOR, Caller
from namespaces.errors import NamespaceNotFound, NamespaceSuspended
from namespaces.jsontext import JSONText
from namespaces.models import Namespace
from namespaces.names import Writer
from namespaces.removal import trim
from tests.conftest import RawClient
from tests.exports import content_of, export_of, import_into
from tests.factories import NamespaceFactory
from tests.lane import THREADS, running_lane, scope_of
from tests.polling import wait_until

SECONDS = 20

pytestmark = pytest.mark.django_db

TEXTS = [
    "0", "-0", "1e3", "1E400000".replace("400000", "30"), "2.50", "12345678901234567890", "true", "null", '""',
    '"\\u00e9\\ud83d\\ude00"', '"é😀\u2028\u0085"', '{"b": 1, "a": {}, "b": 2}', "[ 1,\t2 ]",
    '{"value": 1, "c": "\\n"}',
    '{\n  "value": 1,\r\n "x": [\n]}', '", \\"value\\": "',
]  # fmt: skip
KEYS = ["a", "user:42", "a/b", "100%", "what?", " ", "é", "e\u0301", "😀", '", "value": "', "\u2028", "\\n"]


def write(namespace, key, text="1", **options):
    return writing.set_entry(namespace, key, JSONText.parse(text), **options)


def test_an_export_is_a_header_the_entries_and_a_trailer(api, database, namespace):
    now = clock.now()
    write(namespace, "b", "1e3", caller=Caller("quant"), now=now)
    write(namespace, "a", '{"x": [1]}', ttl=3600, now=now)
    moment = now.isoformat(timespec="microseconds").replace("+00:00", "Z")
    ends = (now + timedelta(hours=1)).isoformat(timespec="microseconds").replace("+00:00", "Z")

    times = f'"created_at": "{moment}", "updated_at": "{moment}"'
    quant = '{"name": "quant", "verified": false}'

    answer = api.get(f"/namespaces/{namespace}/export")
    content = content_of(answer)

    lines = [
        '{"botwire_export": 1, "revision": 2, "prefix": "", "history": false, "entries": 2, "changes": 0}',
        f'{{"key": "a", "value": {{"x": [1]}}, "version": 2, "writer": null, {times}, "expires_at": "{ends}"}}',
        f'{{"key": "b", "value": 1e3, "version": 1, "writer": {quant}, {times}, "expires_at": null}}',
    ]
    before = "".join(f"{line}\n" for line in lines)
    digest = hashlib.sha256(before.encode()).hexdigest()
    assert content.decode() == f'{before}{{"entries": 2, "changes": 0, "sha256": "{digest}"}}\n'
    assert (answer["Content-Type"], answer["Cache-Control"]) == ("application/x-ndjson", "no-store")


def test_the_history_comes_newest_first(api, database, namespace):
    write(namespace, "a", "1", caller=Caller("quant"))
    write(namespace, "a", "2", caller=AN_OPERATOR)
    writing.delete_entry(namespace, "a")
    write(namespace, "b", "[\n]")

    header, entry, *changes, trailer = map(json.loads, export_of(api, namespace, "?history=true").splitlines())

    assert header["history"] is True
    assert (header["entries"], header["changes"]) == (trailer["entries"], trailer["changes"]) == (1, 4)
    assert entry["value_text"] == "[\n]"
    for change in changes:
        del change["at"]
    assert changes == [
        {"revision": 4, "kind": "set", "key": "b", "value_text": "[\n]", "bytes": 4, "writer": None},
        {"revision": 3, "kind": "delete", "key": "a", "bytes": 1, "writer": None},
        {
            "revision": 2, "kind": "set", "key": "a", "value": 2, "bytes": 2,
            "writer": {"name": "operator", "verified": True},
        },
        {
            "revision": 1, "kind": "set", "key": "a", "value": 1, "bytes": 2,
            "writer": {"name": "quant", "verified": False},
        },
    ]  # fmt: skip


def test_entries_and_changes_stand_there_as_the_api_answers_them(api, database, namespace):
    for number, key in enumerate(KEYS):
        write(namespace, key, TEXTS[number], caller=Caller(("", "é: \\")[number % 2]), ttl=(None, 60)[number % 2])
    writing.delete_entry(namespace, "é")

    _, *lines, _ = export_of(api, namespace, "?history=true").decode().split("\n")[:-1]

    entries = api.get(f"/memory/{namespace}?include=values").content.decode()
    changes = api.get(f"/namespaces/{namespace}/changes?since=0").content.decode()
    assert f'"entries": [{", ".join(lines[: len(KEYS) - 1])}]}}' in entries
    assert f'"changes": [{", ".join(lines[: -len(KEYS) - 2 : -1])}], "next"' in changes


def test_only_what_is_under_the_prefix_is_exported(api, database, namespace):
    for key in ("a", "p", "p/1", "p/2", "p\U0010ffff", "q"):
        write(namespace, key)

    header, *lines, _ = map(json.loads, export_of(api, namespace, "?prefix=p&history=true").splitlines())

    assert (header["prefix"], header["entries"], header["changes"]) == ("p", 4, 4)
    assert [line["key"] for line in lines[:4]] == ["p", "p/1", "p/2", "p\U0010ffff"]
    assert [line["revision"] for line in lines[4:]] == [5, 4, 3, 2]


def test_what_a_writer_in_quarantine_wrote_is_not_exported(api, database, namespace):
    write(namespace, "good", caller=Caller("quant"))
    write(namespace, "bad", "666", caller=Caller("bot7"))
    write(namespace, "worse", "666", caller=Caller("bot7"), ttl=1, now=clock.now() - timedelta(seconds=5))
    quarantining.quarantine(namespace, Writer("bot7", is_verified=False))

    content = export_of(api, namespace, "?history=true")
    header, entry, *changes, _ = map(json.loads, content.splitlines())

    assert header["entries"] == 1
    assert entry["key"] == "good"
    assert [(change["key"], change.get("quarantined", False)) for change in changes] == [
        ("worse", True), ("bad", True), ("good", False),
    ]  # fmt: skip
    assert b"666" not in content
    assert import_into(api, f"{namespace}-copy", content).json()["changes"] == 3


def test_what_has_expired_is_not_exported(api, database, namespace):
    write(namespace, "gone", ttl=1, now=clock.now() - timedelta(seconds=5))
    write(namespace, "stays", ttl=60)

    header, *lines, _ = map(json.loads, export_of(api, namespace).splitlines())

    assert header["entries"] == 1
    assert [line["key"] for line in lines] == ["stays"]


def test_an_export_has_more_than_a_page(api, database, namespace, monkeypatch):
    monkeypatch.setattr(exporting, "ROWS_PER_PAGE", 3)
    monkeypatch.setattr(exporting, "PAGE_BYTES", 12)
    for number in range(10):
        write(namespace, f"key-{number}", "1" * (1 + number % 4 * 5))

    lines = [json.loads(line) for line in export_of(api, namespace, "?history=true").splitlines()]

    assert [line["key"] for line in lines[1:11]] == [f"key-{number}" for number in range(10)]
    assert [line["revision"] for line in lines[11:-1]] == list(range(10, 0, -1))


def test_trimmed_changes_are_not_in_it(api, database, namespace):
    write(namespace, "a", now=clock.now() - timedelta(days=40))
    write(namespace, "b")
    trim(namespace, clock.now())

    lines = [json.loads(line) for line in export_of(api, namespace, "?history=true").splitlines()]

    assert [line["key"] for line in lines[1:-1]] == ["a", "b", "b"]
    assert lines[0]["changes"] == 1


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ("", 404, "namespace_not_found"),
        ("?prefix=%00", 400, "invalid_prefix"),
        ("?history=1", 400, "invalid_parameter"),
        ("?since=1", 400, "invalid_parameter"),
    ],
)
def test_what_cannot_be_exported_is_refused(api, database, namespace, query, status, code):
    answer = api.get(f"/namespaces/{namespace}/export{query}")

    assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_a_suspended_namespace_is_not_exported(api, database, namespace):
    NamespaceFactory(name=namespace, status="suspended")

    assert api.get(f"/namespaces/{namespace}/export").json()["code"] == "namespace_suspended"


def test_there_are_so_many_exports_at_a_time_and_no_more(api, database, namespace, settings):
    settings.LIMITS = {**settings.LIMITS, "exports_per_process": 2}
    write(namespace, "a")
    begun = [exporting.begin(namespace), exporting.begin(namespace)]

    refused = api.get(f"/namespaces/{namespace}/export")
    begun[0].close()
    begun[0].close()

    assert (refused.status_code, refused.json()["code"]) == (503, "too_many_exports")
    assert (refused.json()["limit"], refused["Retry-After"]) == (2, "5")
    assert export_of(api, namespace)
    begun[1].close()
    assert exporting._open == 0


def test_an_export_that_takes_too_long_is_broken_off(database, namespace, settings):
    write(namespace, "a")
    settings.LIMITS = {**settings.LIMITS, "export_seconds": 0}
    export = exporting.begin(namespace)

    with pytest.raises(exporting.Overdue):
        next(export.entries())

    export.close()


@pytest.mark.parametrize("how", ["revoked", "suspended"])
def test_an_export_ends_when_it_may_not_be_read_any_more(database, namespace, monkeypatch, how):
    monkeypatch.setattr(exporting, "ROWS_PER_PAGE", 1)
    monkeypatch.setattr(exporting, "CHECK_SECONDS", 0)
    boss = Caller("boss", token=access.admit(namespace, access.claim(namespace, name="boss").text).token)
    for key in "abc":
        write(namespace, key, caller=boss)
    shared = tokens.share(namespace, boss, read=[""])
    export = exporting.begin(namespace, caller=Caller(token=access.admit(namespace, shared.text).token))
    pages = export.entries()
    assert [entry.key for entry in next(pages)] == ["a"]
    assert [entry.key for entry in next(pages)] == ["b"]

    if how == "revoked":
        tokens.revoke(namespace, shared.token.id, boss)
    else:
        Namespace.objects.update(status="suspended")

    with pytest.raises(NamespaceNotFound if how == "revoked" else NamespaceSuspended):
        next(pages)
    export.close()


@pytest.mark.django_db(transaction=True)
def test_an_export_is_as_of_its_revision_whatever_is_written_meanwhile(database, namespace, monkeypatch):
    monkeypatch.setattr(exporting, "ROWS_PER_PAGE", 7)
    stop, written = threading.Event(), []
    state: dict[int, dict[str, str]] = {0: {}}

    def write_on():
        from django.db import connection

        number = 0
        while not stop.is_set():
            key = f"k{number * 7 % 60:02}"
            if number % 5 == 4 and key in state[number]:
                version = writing.delete_entry(namespace, key).version
                after = {name: text for name, text in state[number].items() if name != key}
            else:
                version = write(namespace, key, str(number)).version
                after = {**state[number], key: str(number)}
            number += 1
            assert version == number
            state[number] = after
            written.append(number)
        connection.close()

    for _ in range(1):
        writer = threading.Thread(target=write_on)
        writer.start()
        while len(written) < 80:
            time.sleep(0.001)
        revisions = []
        for _ in range(5):
            export = exporting.begin(namespace, has_history=True)
            begun = export.outline.revision
            entries = {}
            for page in export.entries():
                entries |= {entry.key: entry.value for entry in page}
                reached = len(written)
                while len(written) < reached + 3:
                    time.sleep(0.001)
            logged = [change.revision for page in export.changes() for change in page]
            export.close()
            assert logged == list(range(begun, 0, -1))
            revisions.append((begun, entries))
        stop.set()
        writer.join()

    for revision, entries in revisions:
        assert entries == state[revision]
    assert len({revision for revision, _ in revisions}) == 5


# --- slow readers


@pytest.fixture
def lane(database, transactional_db):
    with running_lane() as lane:
        yield lane


def read_until(lane, namespace, parts):
    """An export's reader on the lane that takes so many parts, and then no more; the future of its request."""
    environ = {"REQUEST_METHOD": "GET", "RAW_URI": f"/namespaces/{namespace}/export", "wsgi.url_scheme": "http"}
    environ |= {"PATH_INFO": environ["RAW_URI"], "SERVER_NAME": "testserver", "REMOTE_ADDR": "127.0.0.1"}
    taken = []

    async def receive():
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message):
        taken.append(message)
        if len(taken) > parts:
            await asyncio.sleep(SECONDS)

    request = lane.application(scope_of(environ), receive, send)
    future = asyncio.run_coroutine_threadsafe(request, lane.loop)
    wait_until(lambda: len(taken) > parts, SECONDS)
    return future


def test_readers_who_take_nothing_hold_no_thread(lane, namespace, settings, monkeypatch):
    monkeypatch.setattr(exporting, "ROWS_PER_PAGE", 2)
    settings.LIMITS = {**settings.LIMITS, "exports_per_process": 3 * THREADS}
    for number in range(9):
        write(namespace, f"k{number}")

    readers = [read_until(lane, namespace, parts=2) for _ in range(2 * THREADS)]
    listed = RawClient()
    listed.handler = lane
    answer = listed.get(f"/memory/{namespace}")

    assert answer.json()["count"] == 9
    assert exporting._open == 2 * THREADS
    for reader in readers:
        reader.cancel()
    wait_until(lambda: exporting._open == 0, SECONDS)


@pytest.mark.only_on("postgresql")
def test_no_thread_keeps_a_connection_of_the_pool_after_a_streamed_answer(lane, namespace, settings, monkeypatch):
    monkeypatch.setattr(exporting, "ROWS_PER_PAGE", 2)
    settings.LIMITS = {**settings.LIMITS, "exports_per_process": 3 * THREADS}
    for number in range(9):
        write(namespace, f"k{number}")
    before = connections_taken()

    readers = [read_until(lane, namespace, parts=2) for _ in range(2 * THREADS)]
    for reader in readers:
        reader.cancel()

    wait_until(lambda: exporting._open == 0, SECONDS)
    wait_until(lambda: connections_taken() == before, seconds=5)


def connections_taken():
    pool = connection.pool.get_stats()
    return pool["pool_size"] - pool["pool_available"]


def test_a_reader_who_takes_nothing_for_long_is_dropped(lane, namespace, monkeypatch):
    monkeypatch.setattr("api.lane.django.SLOW_SECONDS", 0.05)
    write(namespace, "k")

    reader = read_until(lane, namespace, parts=1)

    with pytest.raises(CancelledError):
        reader.result(SECONDS)
    wait_until(lambda: exporting._open == 0, SECONDS)
