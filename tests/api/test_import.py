"""Imports: parts of an export are taken in, each all or nothing, and exactly as they were into a new namespace."""

import json
from datetime import timedelta
from urllib.parse import quote

import pytest

from namespaces import access, clock, writing
from namespaces.callers import AN_OPERATOR, Caller
from namespaces.jsontext import JSONText
from namespaces.models import Change, DailyUsage, Entry, Namespace, Restoration
from tests.api.test_export import KEYS, TEXTS, write
from tests.exports import ORIGIN, content_of, entry_line, export_of, import_into, part_of, with_trailer
from tests.factories import DailyUsageFactory, NamespaceFactory
from tests.rows import NO_ROWS, all_rows, assert_counters_exact

pytestmark = pytest.mark.django_db


@pytest.fixture
def filled(database, api, namespace):
    """A namespace with every kind of value, hostile keys, writers, a deletion and an expiry."""
    for number, key in enumerate(KEYS):
        write(namespace, key, TEXTS[number % len(TEXTS)], caller=Caller(("", "quant", "é: \\")[number % 3]))
    for number, text in enumerate(TEXTS):
        write(namespace, f"value-{number}", text, ttl=600 + number if number % 2 else None)
    write(namespace, "by-operator", caller=AN_OPERATOR)
    write(namespace, "deleted")
    writing.delete_entry(namespace, "deleted")
    return namespace


@pytest.fixture
def copy(namespace):
    return f"{namespace}-copy"


# --- exactly as it was


@pytest.mark.parametrize("query", ["", "?history=true", "?prefix=value-"])
def test_what_is_exported_imported_and_exported_is_the_same(api, filled, copy, query):
    Entry.objects.filter(writer="operator").update(is_verified=False)
    Change.objects.filter(writer="operator").update(is_verified=False)
    first = export_of(api, filled, query)

    answer = import_into(api, copy, first)

    assert answer.status_code == 200, answer.content
    assert answer.json()["exact"] is True
    assert export_of(api, copy, query) == first
    assert_counters_exact(copy)


def test_the_parts_of_an_export_may_come_one_by_one_and_again(api, filled, copy):
    Entry.objects.filter(writer="operator").update(is_verified=False)
    Change.objects.filter(writer="operator").update(is_verified=False)
    whole = export_of(api, filled, "?history=true")
    header, *lines, trailer = whole.splitlines(keepends=True)
    origin = f"?origin={json.loads(trailer)['sha256']}"
    parts = [header + b"".join(lines[start : start + 7]) for start in range(0, len(lines), 7)]

    for part in parts[:3] + parts[1:] + parts:
        assert import_into(api, copy, part, origin).status_code == 200
        assert_counters_exact(copy)

    assert export_of(api, copy, "?history=true") == whole
    assert DailyUsage.objects.get(namespace_id=copy).writes == len(lines)


def test_the_namespace_goes_on_from_the_revision_of_the_export(api, filled, copy):
    revision = Namespace.objects.get(name=filled).revision
    import_into(api, copy, export_of(api, filled))

    written = write(copy, "new")

    assert written.version == revision + 1
    assert api.get(f"/namespaces/{copy}/changes?since=0").json()["oldest_revision"] == revision + 1
    assert [c["key"] for c in api.get(f"/namespaces/{copy}/changes?since={revision}").json()["changes"]] == ["new"]


def test_a_key_that_was_written_to_between_two_parts_never_gets_an_old_version_back(api, database, namespace):
    part = part_of(entry_line("a", 1, version=3), entry_line("b", 2, version=4))
    import_into(api, namespace, part, ORIGIN)
    writing.delete_entry(namespace, "a")

    answer = import_into(api, namespace, part, ORIGIN)

    assert (answer.json()["new"], answer.json()["same"]) == (1, 1)
    assert dict(Entry.objects.values_list("key", "version")) == {"a": 11, "b": 4}
    assert_counters_exact(namespace)


def test_another_export_is_not_mixed_into_it(api, database, namespace):
    import_into(api, namespace, part_of(entry_line("a", version=3)), ORIGIN)

    other = import_into(api, namespace, part_of(entry_line("b", version=3)), ORIGIN.replace("a" * 64, "b" * 64))

    assert other.json()["exact"] is False
    assert dict(Entry.objects.values_list("key", "version")) == {"a": 3, "b": 10}


def test_an_export_of_nothing_makes_the_namespace_at_its_revision(api, database, namespace, copy):
    write(namespace, "a")
    writing.delete_entry(namespace, "a")
    first = export_of(api, namespace)

    import_into(api, copy, first)

    assert export_of(api, copy) == first
    assert Namespace.objects.get(name=copy).revision == 2


def test_expired_entries_stay_out(api, database, namespace):
    moment = (clock.now() - timedelta(seconds=1)).isoformat()

    answer = import_into(api, namespace, part_of(entry_line("a", expires_at=moment), entry_line("b")), ORIGIN)

    assert (answer.json()["expired"], answer.json()["new"]) == (1, 1)
    assert list(Entry.objects.values_list("key", flat=True)) == ["b"]


# --- into one that has data


def test_entries_take_new_revisions_where_something_was_written(api, database, namespace):
    write(namespace, "own")

    answer = import_into(
        api, namespace, part_of(entry_line("a", [1], version=7, writer={"name": "quant", "verified": False})), ORIGIN
    )

    assert answer.json() == {
        "namespace": namespace, "revision": 2, "dry_run": False, "exact": False, "new": 1, "same": 0, "different": 0,
        "expired": 0, "too_large": 0, "changes": 0, "writes_needed": 1, "writes_left": 999, "bytes_needed": 4,
        "bytes_left": 52_428_800 - 4,
    }  # fmt: skip
    assert answer["RateLimit-Remaining"] == "998"
    change = Change.objects.get(namespace_id=namespace, revision=2)
    assert (change.kind, change.key, change.value, change.writer) == ("set", "a", "[1]", "quant")
    entry = Entry.objects.get(key="a")
    assert entry.version == 2
    assert entry.created_at == entry.updated_at == change.at
    assert_counters_exact(namespace)


CONFLICTS = [("fail", 409, "1"), ("skip", 200, "1"), ("replace", 200, "2")]


@pytest.mark.parametrize(("on_conflict", "status", "value"), CONFLICTS)
def test_what_becomes_of_a_key_that_is_there_is_the_importer_s_choice(
    api, database, namespace, on_conflict, status, value
):
    write(namespace, "a", "1")
    part = part_of(entry_line("b", 2), entry_line("a", 2))
    before = all_rows()

    answer = import_into(api, namespace, part, f"{ORIGIN}&on_conflict={on_conflict}")

    assert answer.status_code == status
    assert Entry.objects.get(key="a").value == value
    if status == 409:
        refusal = answer.json()
        assert (refusal["code"], refusal["line"], refusal["key"]) == ("import_conflict", 3, "a")
        assert refusal["current_version"] == 1
        assert all_rows() == before
    else:
        assert (answer.json()["new"], answer.json()["different"]) == (1, 1)
        again = import_into(api, namespace, part, f"{ORIGIN}&on_conflict={on_conflict}").json()
        assert again["writes_needed"] == 0
        assert again["same"] + again["different"] == 2
    assert_counters_exact(namespace)


def test_changes_are_not_put_into_a_log_that_has_its_own(api, filled, copy):
    write(copy, "own")

    answer = import_into(api, copy, export_of(api, filled, "?history=true"))

    assert answer.json()["changes"] == 0
    assert_counters_exact(copy)


# --- provenance


@pytest.mark.parametrize("may_vouch", [False, True])
def test_a_writer_is_verified_only_if_an_admin_token_says_so(api, database, namespace, may_vouch):
    headers = {}
    if may_vouch:
        headers = {"Authorization": f"Bearer {access.claim(namespace, name='boss').text}"}
    lines = [
        entry_line(name, writer={"name": name, "verified": verified}, version=number)
        for number, (name, verified) in enumerate([("lead", True), ("quant", False), ("operator", True)], 1)
    ]
    change = {
        "revision": 9, "kind": "set", "key": "lead", "value": 1, "bytes": 5,
        "writer": {"name": "lead", "verified": True}, "at": "2026-01-31T12:00:00Z",
    }  # fmt: skip

    answer = import_into(api, namespace, part_of(*lines, change), ORIGIN, **headers)

    assert (answer.status_code, answer.json()["exact"]) == (200, True)
    assert dict(Entry.objects.values_list("writer", "is_verified")) == {
        "lead": may_vouch,
        "quant": False,
        "operator": False,
    }
    assert Change.objects.get().is_verified is may_vouch


def test_a_private_namespace_comes_back_verified_as_it_was(api, database, namespace, copy):
    made = {name: access.claim(name, name="boss").text for name in (namespace, copy)}
    headers = {name: {"Authorization": f"Bearer {text}"} for name, text in made.items()}
    for number, key in enumerate(KEYS):
        path = f"/memory/{namespace}/{quote(key, safe='')}"
        api.put(path, json.dumps({"value": number}), content_type="application/json", headers=headers[namespace])

    first = content_of(api.get(f"/namespaces/{namespace}/export?history=true", headers=headers[namespace]))
    answer = import_into(api, copy, first, **headers[copy])

    assert answer.json()["exact"] is True
    assert first.count(b'{"name": "boss", "verified": true}') == 2 * len(KEYS)
    assert content_of(api.get(f"/namespaces/{copy}/export?history=true", headers=headers[copy])) == first


# --- limits


def test_a_dry_run_tells_everything_and_writes_nothing(api, database, namespace):
    NamespaceFactory(name=namespace, limit_writes_per_day=3, limit_bytes=20, limit_value_bytes=10)
    write(namespace, "same", '"x"', caller=Caller("quant"))
    write(namespace, "other")
    before = all_rows()
    lines = [entry_line(f"k{number}", 12345) for number in range(3)]
    lines += [entry_line("same", "x", writer={"name": "quant", "verified": False}), entry_line("other", 2)]
    lines += [entry_line("large", "x" * 9), entry_line("old", expires_at="2026-01-31T12:00:00Z")]

    answer = import_into(api, namespace, part_of(*lines), f"{ORIGIN}&dry_run=true&on_conflict=replace")

    assert answer.json() == {
        "namespace": namespace, "revision": 6, "dry_run": True, "exact": False, "new": 3, "same": 1, "different": 1,
        "expired": 1, "too_large": 1, "changes": 0, "writes_needed": 4, "writes_left": 1, "bytes_needed": 21,
        "bytes_left": 20 - 13,
    }  # fmt: skip
    assert all_rows() == before


def test_a_dry_run_makes_no_namespace(api, database, namespace):
    answer = import_into(api, namespace, part_of(entry_line("a")), f"{ORIGIN}&dry_run=true")

    assert (answer.json()["exact"], answer.json()["new"], answer.json()["revision"]) == (True, 1, 9)
    assert all_rows() == NO_ROWS


@pytest.mark.parametrize("is_fresh", [True, False])
def test_each_entry_counts_against_the_day_and_the_part_is_refused_at_the_first_too_many(
    api, database, namespace, is_fresh
):
    NamespaceFactory(name=namespace, limit_writes_per_day=4)
    DailyUsageFactory(namespace_id=namespace, writes=1 if is_fresh else 0)
    if not is_fresh:
        write(namespace, "own")
    lines = [entry_line(f"k{number}", version=number + 1) for number in range(4)]
    before = all_rows()

    refused = import_into(api, namespace, part_of(*lines), ORIGIN)
    unchanged = all_rows() == before
    taken = import_into(api, namespace, part_of(*lines[:3]), ORIGIN)

    assert (refused.status_code, refused.json()["code"], refused.json()["line"]) == (429, "daily_write_limit", 5)
    assert unchanged
    assert (taken.status_code, taken["RateLimit-Remaining"]) == (200, "0")
    assert import_into(api, namespace, part_of(*lines), ORIGIN).json()["code"] == "daily_write_limit"
    Namespace.objects.filter(name=namespace).update(limit_writes_per_day=5)
    assert import_into(api, namespace, part_of(*lines), ORIGIN).json()["same"] == 3
    assert_counters_exact(namespace)


def test_the_storage_limit_holds_to_the_byte(api, database, namespace):
    NamespaceFactory(name=namespace, limit_bytes=9)
    lines = [entry_line(key, 12, version=number) for number, key in enumerate("abcd", 1)]
    before = all_rows()

    refused = import_into(api, namespace, part_of(*lines), ORIGIN)

    assert (refused.status_code, refused.json()["code"], refused.json()["line"]) == (507, "storage_limit", 5)
    assert all_rows() == before
    assert import_into(api, namespace, part_of(*lines[:3]), ORIGIN).status_code == 200
    assert_counters_exact(namespace)


def test_room_is_made_by_what_has_expired(api, database, namespace):
    NamespaceFactory(name=namespace, limit_bytes=30)
    write(namespace, "old", '"' + "x" * 18 + '"', ttl=1, now=clock.now() - timedelta(seconds=5))

    assert import_into(api, namespace, part_of(entry_line("k", "y" * 20)), ORIGIN).status_code == 200
    assert_counters_exact(namespace)


@pytest.mark.parametrize("status", ["read_only", "suspended"])
def test_a_restricted_namespace_takes_nothing_in(api, database, namespace, status):
    NamespaceFactory(name=namespace, status=status)
    before = all_rows()

    assert import_into(api, namespace, part_of(entry_line("a")), ORIGIN).json()["code"] == f"namespace_{status}"
    assert all_rows() == before


# --- what is no export


REFUSED = [
    (b"", 400, "invalid_export", 1),
    (b'{"key": "a", "value": 1}\n', 400, "invalid_export", 1),
    (part_of().replace(b'export": 1', b'export": 2'), 400, "invalid_export", 1),
    (part_of(revision=10**15 + 1), 400, "invalid_export", 1),
    (part_of(entry_line("a"), name="x"), 400, "invalid_export", 1),
    (part_of(entry_line("a"), {"key": "b"}), 400, "invalid_export", 3),
    (part_of(entry_line("a")) + b"[1]\n", 400, "invalid_json", 3),
    (part_of(entry_line("a")) + b'{"key": \xff}\n', 400, "invalid_json", None),
    (part_of(entry_line("a")) + b'{"key": "b", "val\n', 400, "invalid_json", 3),
    (part_of(entry_line("")), 400, "invalid_key", 2),
    (part_of(entry_line("a\nb")), 400, "invalid_key", 2),
    (part_of(entry_line("a/../b")), 400, "invalid_key", 2),
    (part_of(entry_line("a", version=10)), 400, "invalid_export", 2),
    (part_of(entry_line("a", version=0)), 400, "invalid_export", 2),
    (part_of(entry_line("a", created_at="yesterday")), 400, "invalid_export", 2),
    (part_of(entry_line("a", created_at="2026-01-31T12:00:00")), 400, "invalid_export", 2),
    (part_of(entry_line("a", expires_at="2199-01-31T12:00:00Z")), 400, "invalid_ttl", 2),
    (part_of(entry_line("a", writer={"name": "x\n", "verified": False})), 400, "invalid_agent", 2),
    (part_of(entry_line("a", writer={"name": "x"})), 400, "invalid_export", 2),
    (part_of(entry_line("a", value_text="1")), 400, "invalid_export", 2),
    (part_of(entry_line("a"), entry_line("a")), 400, "invalid_export", None),
    (part_of(entry_line("a", json.loads("[" * 65 + "]" * 65))), 400, "json_too_deep", 2),
    (with_trailer(part_of(entry_line("a")), 1).replace(b'"value": 1', b'"value": 2'), 400, "invalid_export", 3),
    (part_of(*(entry_line(f"k{n}") for n in range(501))), 413, "batch_too_large", None),
]


@pytest.mark.parametrize(("part", "status", "code", "line"), REFUSED)
def test_what_is_no_part_of_an_export_is_refused_at_its_line(api, database, namespace, part, status, code, line):
    answer = import_into(api, namespace, part, ORIGIN)

    assert (answer.status_code, answer.json()["code"], answer.json().get("line")) == (status, code, line)
    assert all_rows() == NO_ROWS


def test_a_part_says_of_which_export_it_is(api, database, namespace):
    part = part_of(entry_line("a"))

    assert import_into(api, namespace, part).json()["code"] == "invalid_export"
    assert import_into(api, namespace, part, "?origin=A").json()["code"] == "invalid_parameter"
    assert import_into(api, namespace, with_trailer(part, 1)).status_code == 200
    assert Restoration.objects.get().namespace_id == namespace


def test_a_part_is_ndjson_and_no_larger_than_a_batch(api, database, namespace, settings):
    part = part_of(entry_line("a"))
    as_json = api.post(f"/namespaces/{namespace}/import{ORIGIN}", part, content_type="application/json")
    settings.LIMITS = {**settings.LIMITS, "batch_bytes": 10, "value_bytes": 1}

    large = import_into(api, namespace, part + b" " * 4_098, ORIGIN)

    assert (as_json.status_code, as_json.json()["code"]) == (415, "unsupported_media_type")
    assert (large.status_code, large.json()["code"]) == (413, "body_too_large")
    assert import_into(api, namespace, part, f"{ORIGIN}&on_conflict=merge").json()["code"] == "invalid_parameter"


def test_an_operator_s_limit_on_values_holds(api, database, namespace):
    write(namespace, "own")
    Namespace.objects.filter(name=namespace).update(limit_value_bytes=5)
    before = all_rows()

    refused = import_into(api, namespace, part_of(entry_line("a", 12345), entry_line("b", 123456)), ORIGIN)

    assert (refused.status_code, refused.json()["code"], refused.json()["line"]) == (413, "value_too_large", 3)
    assert all_rows() == before


def test_a_value_of_several_lines_comes_back_as_it_was(api, database, namespace, copy):
    text = '{\r\n  "a": [1,\n2]\n}'
    writing.set_entry(namespace, "a", JSONText.parse(text))

    import_into(api, copy, export_of(api, namespace))

    assert Entry.objects.get(namespace_id=copy).value == text
