"""The write path without HTTP: it checks for itself, whoever calls."""

from datetime import UTC, datetime, timedelta

import pytest

from namespaces import batches, changes, leases, reading, removal, writing
from namespaces.callers import Caller
from namespaces.conditions import ABSENT, at_version
from namespaces.edits import Increment
from namespaces.errors import (
    DailyWriteLimit,
    InvalidKey,
    InvalidNamespace,
    InvalidTTL,
    InvalidWriter,
    NamespaceCreationLimit,
    PreconditionFailed,
    StorageLimit,
)
from namespaces.jsontext import JSONText
from namespaces.models import Namespace
from tests.rows import NO_ROWS, all_rows

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("database")]

NOW = datetime(2026, 5, 1, 23, 59, 59, tzinfo=UTC)
ONE = JSONText.parse("1")


@pytest.mark.parametrize(
    ("refusal", "arguments", "options"),
    [
        (InvalidNamespace, ("a b", "k", ONE), {}),
        (InvalidKey, ("a", "", ONE), {}),
        (InvalidKey, ("a", "\ud800", ONE), {}),
        (InvalidTTL, ("a", "k", ONE), {"ttl": 0}),
        (InvalidTTL, ("a", "k", ONE), {"ttl": float("nan")}),
        (InvalidWriter, ("a", "k", ONE), {"caller": Caller(writer="\n")}),
        (PreconditionFailed, ("a", "k", ONE), {"condition": at_version(1)}),
    ],
)
def test_a_refused_set_changes_nothing(refusal, arguments, options):
    with pytest.raises(refusal):
        writing.set_entry(*arguments, **options)

    assert not Namespace.objects.exists()


def test_a_first_write_over_a_limit_makes_no_namespace(settings):
    settings.LIMITS = {**settings.LIMITS, "bytes": 1}
    with pytest.raises(StorageLimit):
        writing.set_entry("a", "k", ONE)

    settings.LIMITS = {**settings.LIMITS, "bytes": 9, "writes_per_day": 0}
    with pytest.raises(DailyWriteLimit):
        writing.set_entry("a", "k", ONE)

    assert all_rows() == NO_ROWS


def test_a_new_namespace_is_asked_for_once_and_remembers_its_address():
    asked = []
    caller = Caller(address="192.0.2.1", admit_creation=lambda: asked.append(1))

    writing.set_entry("a", "k", ONE, caller=caller)
    writing.set_entry("a", "l", ONE, caller=caller)

    assert asked == [1]
    assert Namespace.objects.get().created_from == "192.0.2.1"


def test_a_namespace_that_is_not_admitted_is_not_made():
    def refuse():
        raise NamespaceCreationLimit(limit=0, retry_after=1)

    with pytest.raises(NamespaceCreationLimit):
        writing.set_entry("a", "k", ONE, caller=Caller(admit_creation=refuse))

    assert not Namespace.objects.exists()


def test_a_condition_that_nothing_can_meet_asks_for_no_namespace():
    with pytest.raises(PreconditionFailed):
        writing.set_entry("a", "k", ONE, condition=at_version(1), caller=Caller(admit_creation=pytest.fail))


def test_the_day_is_that_of_utc_and_its_limit_ends_with_it(settings):
    settings.LIMITS = {**settings.LIMITS, "writes_per_day": 1}
    writing.set_entry("a", "k", ONE, now=NOW)
    with pytest.raises(DailyWriteLimit) as refused:
        writing.set_entry("a", "k", ONE, now=NOW)

    assert refused.value.facts["resets_at"] == datetime(2026, 5, 2, tzinfo=UTC)
    assert writing.set_entry("a", "k", ONE, now=NOW + timedelta(seconds=1)).version == 2


def test_a_clock_that_goes_back_gives_no_second_quota(settings):
    settings.LIMITS = {**settings.LIMITS, "writes_per_day": 1}
    writing.set_entry("a", "k", ONE, now=NOW)
    writing.set_entry("a", "k", ONE, now=NOW + timedelta(seconds=1))

    for moment in (NOW, NOW + timedelta(seconds=1), NOW - timedelta(hours=1)):
        with pytest.raises(DailyWriteLimit):
            writing.set_entry("a", "k", ONE, now=moment)


def test_absent_holds_for_a_namespace_that_is_not_there():
    assert writing.set_entry("a", "k", ONE, condition=ABSENT).is_new
    assert reading.get_entry("a", "k").value == "1"


def test_every_write_is_stamped_with_its_writer_and_whether_the_name_is_verified(namespace):
    verified, declared = Caller("bot7", is_verified=True), Caller("bot7")

    writing.set_entry(namespace, "a", ONE, caller=verified)
    writing.set_entry(namespace, "a", ONE, caller=declared)
    writing.change_entry(namespace, "a", Increment(), caller=verified)
    writing.delete_entry(namespace, "a", caller=verified)
    batches.carry_out(
        namespace, [writing.set_of(namespace, key, ONE, caller=verified) for key in ("a", "b")], caller=verified
    )
    removal.clear(namespace, "a", caller=verified)

    log = changes.changes_since(namespace, 0).changes
    assert [(change.writer, change.is_verified) for change in log] == [
        ("bot7", True),
        ("bot7", False),
        *[("bot7", True)] * 5,
    ]
    entry = reading.get_entry(namespace, "b")
    assert (entry.writer, entry.is_verified) == ("bot7", True)
    [listed] = reading.list_entries(namespace, with_values=True).entries
    assert listed == entry
    assert leases.claim(namespace, "", 60).entry == entry


def test_nobody_vouches_for_an_entry_that_expires(namespace):
    writing.set_entry(namespace, "k", ONE, ttl=1, caller=Caller("bot7", is_verified=True), now=NOW)

    removal.sweep(NOW + timedelta(seconds=2))

    [_, expired] = changes.changes_since(namespace, 0).changes
    assert (expired.kind, expired.writer, expired.is_verified) == ("expire", "", False)
