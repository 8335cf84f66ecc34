"""Quarantine: nobody reads what the writer wrote until it is released, and nothing of it is changed."""

from datetime import UTC, datetime, timedelta

import pytest

from namespaces import (
    batches,
    browsing,
    changes,
    history,
    leases,
    quarantining,
    reading,
    restoring,
    writing,
)
from namespaces.callers import Caller
from namespaces.conditions import ABSENT, at_version
from namespaces.edits import Append, Increment
from namespaces.errors import (
    ActRefused,
    EntryQuarantined,
    InvalidWriter,
    KeyNotFound,
    NamespaceNotFound,
    NamespaceReadOnly,
    NamespaceSuspended,
    NothingToClaim,
    NotQuarantined,
    PreconditionFailed,
    QuarantineLimit,
    VersionNotFound,
)
from namespaces.jsontext import JSONText
from namespaces.models import ModerationAction, Namespace, Quarantine
from namespaces.names import Writer
from tests.rows import all_rows, assert_counters_exact

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("database")]

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
LIAR = Writer("bot7", is_verified=False)
ONE = JSONText.parse("1")


def write(namespace, key, by="lead", value="1", **options):
    return writing.set_entry(namespace, key, JSONText.parse(value), caller=Caller(by), now=NOW, **options)


def quarantine(namespace, writer=LIAR, reason="lies", **options):
    return quarantining.quarantine(namespace, writer, reason, now=NOW, **options)


def read(namespace, key):
    return reading.get_entry(namespace, key, now=NOW).value


@pytest.fixture
def hidden(namespace):
    """A namespace with a true entry, and one that is hidden: version 2, of a value before it that is not."""
    write(namespace, "a", value='"true"')
    write(namespace, "b", by="bot7", value='["lie"]')
    quarantine(namespace, caller=Caller("lead", is_verified=True))
    return namespace


def test_what_a_writer_wrote_is_as_if_it_were_not_there(hidden):
    with pytest.raises(KeyNotFound):
        read(hidden, "b")
    assert reading.list_entries(hidden, now=NOW).keys == ["a"]
    assert [entry.key for entry in reading.list_entries(hidden, with_values=True, now=NOW).entries] == ["a"]
    assert batches.carry_out(hidden, [batches.Get("b")], now=NOW).results == [batches.NotFound("b")]
    assert reading.values_at(hidden, [1, 2]) == {1: '"true"'}
    with pytest.raises(NothingToClaim):
        leases.claim(hidden, "b", 60, now=NOW)
    with pytest.raises(VersionNotFound) as refused:
        history.past_of(hidden, "b", 2, now=NOW)
    assert refused.value.facts == {"versions": []}


def test_who_wrote_which_key_when_is_still_told(hidden):
    [_, change] = changes.changes_since(hidden, 0, now=NOW).changes
    [version] = history.history_of(hidden, "b", with_values=True, now=NOW).versions

    assert (change.revision, change.writer, change.is_hidden, change.value) == (2, "bot7", True, None)
    assert (version.version, version.writer, version.is_hidden, version.value) == (2, "bot7", True, None)


def test_operators_see_what_is_hidden(hidden):
    assert browsing.entry_of(hidden, "b").value == '["lie"]'
    assert history.value_at(hidden, "b", 2) == '["lie"]'


def test_a_release_shows_it_again(hidden):
    quarantining.release(hidden, LIAR, now=NOW)

    assert read(hidden, "b") == '["lie"]'
    assert changes.changes_since(hidden, 0, now=NOW).changes[1].value == '["lie"]'


def test_what_it_writes_later_is_hidden_too(hidden):
    write(hidden, "c", by="bot7")

    with pytest.raises(KeyNotFound):
        read(hidden, "c")


def test_a_writer_of_the_same_name_that_is_verified_is_another_one(hidden):
    writing.set_entry(hidden, "b", ONE, caller=Caller("bot7", is_verified=True), now=NOW)

    assert read(hidden, "b") == "1"


@pytest.mark.parametrize("edit", [Append(ONE), Increment(initial=ONE)])
def test_nothing_is_made_of_what_is_hidden(hidden, edit):
    before = all_rows()

    with pytest.raises(EntryQuarantined) as refused:
        writing.change_entry(hidden, "b", edit, now=NOW)

    assert refused.value.facts == {"current_version": 2}
    assert all_rows() == before


def test_a_set_and_a_delete_take_its_place(hidden):
    assert not write(hidden, "b", value="2").is_new
    assert read(hidden, "b") == "2"

    write(hidden, "b", by="bot7")
    writing.delete_entry(hidden, "b", now=NOW)
    assert_counters_exact(hidden)


def test_conditions_see_the_version_that_is_there(hidden):
    with pytest.raises(PreconditionFailed):
        write(hidden, "b", condition=ABSENT)
    with pytest.raises(PreconditionFailed):
        batches.carry_out(hidden, [batches.Check("b", None)], now=NOW)

    assert write(hidden, "b", value="2", condition=at_version(2)).version == 3


def test_a_hidden_version_is_not_restored(hidden):
    before = all_rows()

    with pytest.raises(VersionNotFound):
        restoring.restore(hidden, "b", 2, now=NOW)

    assert all_rows() == before


def test_it_takes_no_revision_and_no_write_of_the_day(hidden):
    quarantining.release(hidden, LIAR, now=NOW)

    state = reading.state(hidden, now=NOW)
    assert (state.revision, state.writes) == (2, 2)


def test_it_is_told_who_is_in_quarantine_why_and_by_whom(hidden):
    quarantine(hidden, Writer("", is_verified=False), "")

    found = quarantining.quarantined(hidden, now=NOW)

    assert [(one.writer, one.reason, one.at, one.placed_by) for one in found] == [
        (Writer("", is_verified=False), "", NOW, Writer("", is_verified=False)),
        (LIAR, "lies", NOW, Writer("lead", is_verified=True)),
    ]
    assert quarantining.quarantined(f"{hidden}2", now=NOW) == []


def test_a_second_quarantine_of_a_writer_only_changes_why(hidden):
    again = quarantining.quarantine(hidden, LIAR, "more lies", now=NOW + timedelta(days=1))

    assert not again.is_new
    assert [one.reason for one in quarantining.quarantined(hidden, now=NOW)] == ["more lies"]


def test_a_namespace_has_a_bounded_number_of_them(hidden, settings):
    settings.LIMITS = {**settings.LIMITS, "quarantined_writers": 2}
    quarantine(hidden, Writer("bot8", is_verified=False))
    before = all_rows()

    with pytest.raises(QuarantineLimit) as refused:
        quarantine(hidden, Writer("bot9", is_verified=False))

    assert refused.value.facts["limit"] == 2
    assert all_rows() == before
    quarantine(hidden, LIAR, "known already")


def test_what_cannot_be_asked_is_refused_and_writes_nothing(hidden):
    before = all_rows()

    with pytest.raises(NotQuarantined):
        quarantining.release(hidden, Writer("bot7", is_verified=True), now=NOW)
    with pytest.raises(NamespaceNotFound):
        quarantine(f"{hidden}2")
    with pytest.raises(InvalidWriter):
        quarantine(hidden, Writer("operator", is_verified=True))
    assert all_rows() == before

    Namespace.objects.update(status="read_only")
    with pytest.raises(NamespaceReadOnly):
        quarantining.release(hidden, LIAR, now=NOW)
    Namespace.objects.update(status="suspended")
    with pytest.raises(NamespaceSuspended):
        quarantining.quarantined(hidden, now=NOW)


def test_operators_do_it_whatever_the_status_and_it_is_in_the_moderation_log(hidden):
    Namespace.objects.update(status="read_only")
    whom = Writer("bot8", is_verified=True)

    quarantining.quarantine_by_operator(hidden, whom, reason="spam", operator="ada", now=NOW)
    quarantining.release_by_operator(hidden, whom, reason="a mistake", operator="ada", now=NOW)

    told = {"writer": "bot8", "verified": True}
    assert list(ModerationAction.objects.order_by("id").values_list("action", "operator", "reason", "after")) == [
        ("quarantine", "ada", "spam", told),
        ("release", "ada", "a mistake", told),
    ]
    with pytest.raises(ActRefused):
        quarantining.quarantine_by_operator(hidden, whom, reason=" ", operator="ada")
    with pytest.raises(NotQuarantined):
        quarantining.release_by_operator(hidden, whom, reason="again", operator="ada")
    assert Quarantine.objects.count() == 1
    assert ModerationAction.objects.count() == 2
