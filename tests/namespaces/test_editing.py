"""What operators do to entries: on the path of all writes, on a condition, with a row in the moderation log."""

from datetime import UTC, datetime, timedelta

import pytest

from namespaces import editing, history, reading, writing
from namespaces.callers import Caller
from namespaces.errors import (
    ActRefused,
    DailyWriteLimit,
    KeyNotFound,
    NamespaceReadOnly,
    NamespaceSuspended,
    PreconditionFailed,
    StorageLimit,
    ValueTooLarge,
    VersionNotFound,
)
from namespaces.jsontext import JSONText
from namespaces.models import Change, DailyUsage, Entry, ModerationAction, Namespace
from tests.rows import all_rows, assert_counters_exact

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("database")]

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
ONE, TWO = JSONText.parse("1"), JSONText.parse("2")


def agent_sets(namespace, key="k", value=ONE, **options):
    return writing.set_entry(namespace, key, value, caller=Caller("agent-7"), now=NOW, **options)


def act(namespace, seen=1, key="k", reason="it was wrong"):
    return editing.Act(namespace, key, seen, "ada", reason)


def actions():
    columns = ("operator", "action", "namespace", "reason", "before", "after", "at")
    return list(ModerationAction.objects.order_by("id").values_list(*columns))


def test_an_edit_is_a_write_with_its_row_in_the_moderation_log(namespace):
    agent_sets(namespace)

    done = editing.edit(act(namespace), TWO, now=NOW)

    assert done.version == 2
    assert reading.get_entry(namespace, "k", now=NOW).value == "2"
    assert history.versions_of(namespace, "k").versions == [
        history.Version(2, "set", 2, "operator", True, NOW),
        history.Version(1, "set", 2, "agent-7", False, NOW),
    ]
    told = {"key": "k", "version": 1}, {"key": "k", "version": 2}
    assert actions() == [("ada", "edit", namespace, "it was wrong", *told, NOW)]
    assert_counters_exact(namespace)


def test_a_delete_tells_which_version_went(namespace):
    agent_sets(namespace)

    editing.delete(act(namespace), now=NOW)

    assert not Entry.objects.exists()
    told = {"key": "k", "version": 1}, {"key": "k", "version": None}
    assert actions() == [("ada", "delete", namespace, "it was wrong", *told, NOW)]
    assert_counters_exact(namespace)


def test_an_older_version_is_restored_as_it_was_spelt(namespace):
    agent_sets(namespace, value=JSONText.parse('{"b": 1e3,  "a": 1.0}'))
    agent_sets(namespace, value=TWO, ttl=60)

    editing.restore(act(namespace, seen=2), 1, now=NOW)

    entry = reading.get_entry(namespace, "k", now=NOW)
    assert (entry.value, entry.version, entry.expires_at) == ('{"b": 1e3,  "a": 1.0}', 3, None)
    told = {"key": "k", "version": 2}, {"key": "k", "version": 3, "restored": 1}
    assert actions() == [("ada", "restore", namespace, "it was wrong", *told, NOW)]


def test_what_is_deleted_can_be_restored(namespace):
    agent_sets(namespace)
    writing.delete_entry(namespace, "k", now=NOW)

    editing.restore(act(namespace, seen=None), 1, now=NOW)

    assert reading.get_entry(namespace, "k", now=NOW).value == "1"


@pytest.mark.parametrize("version", [2, 3, 9])
def test_a_version_that_is_no_value_of_the_key_is_not_restored(namespace, version):
    agent_sets(namespace)
    writing.delete_entry(namespace, "k", now=NOW)
    agent_sets(namespace, "other")
    before = all_rows()

    with pytest.raises(VersionNotFound):
        editing.restore(act(namespace, seen=None), version)

    assert all_rows() == before
    assert actions() == []


@pytest.mark.parametrize("seen", [None, 1])
def test_an_act_on_what_has_changed_does_nothing(namespace, seen):
    agent_sets(namespace)
    agent_sets(namespace, value=TWO)
    before = all_rows()

    for attempt in (
        lambda: editing.edit(act(namespace, seen=seen), ONE),
        lambda: editing.delete(act(namespace, seen=seen)),
        lambda: editing.restore(act(namespace, seen=seen), 1),
    ):
        with pytest.raises(PreconditionFailed) as refused:
            attempt()
        assert refused.value.facts["current_version"] == 2

    assert all_rows() == before
    assert actions() == []


@pytest.mark.parametrize(("status", "refusal"), [("suspended", NamespaceSuspended), ("read_only", NamespaceReadOnly)])
def test_an_operator_cleans_up_where_agents_may_not_write(namespace, status, refusal):
    agent_sets(namespace)
    Namespace.objects.update(status=status)
    with pytest.raises(refusal):
        agent_sets(namespace)

    editing.edit(act(namespace), TWO, now=NOW)
    editing.delete(act(namespace, seen=2), now=NOW)
    editing.restore(act(namespace, seen=None), 1, now=NOW)

    assert Entry.objects.get().version == 4
    with pytest.raises(PreconditionFailed):
        editing.edit(act(namespace), TWO, now=NOW)


def test_an_operator_takes_none_of_the_agents_writes_of_the_day(namespace, settings):
    settings.LIMITS = {**settings.LIMITS, "writes_per_day": 1}
    agent_sets(namespace)
    usage = DailyUsage.objects.values().get()
    with pytest.raises(DailyWriteLimit):
        agent_sets(namespace)

    editing.edit(act(namespace), TWO, now=NOW)
    editing.delete(act(namespace, seen=2), now=NOW)

    assert DailyUsage.objects.values().get() == usage
    assert_counters_exact(namespace)


def test_what_a_value_and_a_namespace_may_hold_is_the_same_for_operators(namespace, settings):
    agent_sets(namespace)
    Namespace.objects.update(status="suspended", limit_value_bytes=3, limit_bytes=3)
    before = all_rows()

    editing.edit(act(namespace), JSONText.parse("12"), now=NOW)
    with pytest.raises(ValueTooLarge):
        editing.edit(act(namespace, seen=2), JSONText.parse("1234"), now=NOW)
    with pytest.raises(StorageLimit):
        editing.edit(act(namespace, seen=2), JSONText.parse("123"), now=NOW)

    assert all_rows() != before
    assert [row[1] for row in actions()] == ["edit"]
    assert_counters_exact(namespace)


def test_an_edit_keeps_the_moment_of_expiry_unless_told(namespace):
    agent_sets(namespace, ttl=86_400.000001)

    editing.edit(act(namespace), TWO, now=NOW + timedelta(hours=1))
    assert Entry.objects.get().expires_at == NOW + timedelta(seconds=86_400, microseconds=1)

    editing.edit(act(namespace, seen=2), TWO, keeps_expiry=False, now=NOW + timedelta(hours=1))
    assert Entry.objects.get().expires_at is None


def test_an_operator_makes_no_namespace(namespace):
    with pytest.raises(KeyNotFound):
        editing.edit(act(namespace, seen=None), ONE)
    with pytest.raises(PreconditionFailed):
        editing.edit(act(namespace), ONE)

    assert not Namespace.objects.exists()


@pytest.mark.parametrize("reason", ["", " \n"])
def test_an_act_without_a_reason_is_none(namespace, reason):
    with pytest.raises(ActRefused):
        act(namespace, reason=reason)


def test_a_log_that_cannot_be_written_undoes_the_write(namespace, monkeypatch):
    agent_sets(namespace)
    before = all_rows()

    def fail(*arguments, **options):
        raise RuntimeError

    monkeypatch.setattr(editing.moderation, "record", fail)
    with pytest.raises(RuntimeError):
        editing.edit(act(namespace), TWO)

    assert all_rows() == before


def test_agents_are_not_told_which_operator_it_was(namespace):
    agent_sets(namespace)

    editing.edit(editing.Act(namespace, "k", 1, "é" * 150, "why"), TWO)

    assert Change.objects.get(revision=2).writer == "operator"
    assert ModerationAction.objects.get().operator == "é" * 150
