"""Taking back what one writer did: each key goes back to the newest version not by it, and nothing else changes."""

from datetime import UTC, datetime, timedelta

import pytest
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from namespaces import (
    access,
    changes,
    purging,
    quarantining,
    reading,
    removal,
    rollback,
    rollback_jobs,
    tokens,
    writing,
)
from namespaces.callers import Caller
from namespaces.errors import (
    InvalidRevision,
    InvalidWriter,
    KeyNotFound,
    NamespaceNotFound,
    NamespaceReadOnly,
    RollbackNotFound,
    RollbackRunning,
    StorageLimit,
    TokenNotAllowed,
)
from namespaces.jsontext import JSONText
from namespaces.models import Change, DailyUsage, Entry, Namespace, PurgeJob, RollbackJob
from namespaces.names import Writer
from namespaces.rollback import Fate
from tests.plans import assert_by_index
from tests.rows import all_rows, assert_counters_exact

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("database")]

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
LIAR = Writer("bot7", is_verified=False)
LEAD = Caller("lead", is_verified=True)


def write(namespace, key, value="1", by="lead", now=NOW, **options):
    return writing.set_entry(namespace, key, JSONText.parse(value), caller=Caller(by), now=now, **options)


def lie(namespace, key, value='"lie"', **options):
    return write(namespace, key, value, by="bot7", **options)


def delete(namespace, key, by="bot7"):
    return writing.delete_entry(namespace, key, caller=Caller(by), now=NOW)


def roll_back(namespace, writer=LIAR, now=NOW, caller=LEAD, **options):
    return rollback_jobs.roll_back(namespace, writer, now=now, caller=caller, **options)


def values_of(namespace, now=NOW):
    found = reading.list_entries(namespace, with_values=True, now=now).entries or []
    return {entry.key: entry.value for entry in found}


def counts(report):
    return {fate.value: number for fate, number in report.counts.items()}


def moves(report):
    return [(one.key, one.from_version, one.to_version) for one in report.moved]


@pytest.fixture
def small(settings, monkeypatch):
    """Rollbacks of more than two keys are jobs, in batches of two."""
    settings.LIMITS = {**settings.LIMITS, "batch_operations": 2}
    monkeypatch.setattr(rollback_jobs.RollbackPace, "adapt", lambda *_: None)
    monkeypatch.setattr(purging.Pace.__init__, "__defaults__", (2, 0.0))
    monkeypatch.setattr(rollback_jobs.RollbackPace.__init__, "__defaults__", (2, 0.0))


def drive(now=NOW):
    return sum(1 for _ in iter(lambda: rollback_jobs.advance(now=now), False))


def test_each_key_goes_back_to_the_newest_version_that_is_not_by_the_writer(namespace):
    write(namespace, "replaced", '{"a":  1e3}')
    write(namespace, "replaced", "2", by="quant")
    write(namespace, "deleted", "3")
    write(namespace, "untouched", "4")
    lie(namespace, "replaced")
    lie(namespace, "replaced")
    lie(namespace, "made up")
    delete(namespace, "deleted")

    report = roll_back(namespace)

    assert values_of(namespace) == {"replaced": "2", "deleted": "3", "untouched": "4"}
    assert counts(report) == {"restored": 2, "deleted": 1}
    assert sorted(moves(report)) == [("deleted", None, 3), ("made up", 7, None), ("replaced", 6, 2)]
    assert (report.extent.since, report.extent.until, report.is_dry_run) == (0, 8, False)
    assert_counters_exact(namespace)


def test_it_is_logged_as_sets_and_deletes_by_the_one_who_did_it(namespace):
    write(namespace, "a", "1")
    lie(namespace, "a")
    lie(namespace, "b")

    roll_back(namespace)

    log = Change.objects.filter(revision__gt=3).order_by("revision")
    assert sorted(log.values_list("kind", "key", "value", "writer", "is_verified")) == [
        ("delete", "b", None, "lead", True),
        ("set", "a", "1", "lead", True),
    ]


def test_a_key_that_somebody_else_wrote_later_stays(namespace):
    lie(namespace, "built on")
    write(namespace, "built on", '"mine now"', by="quant")
    lie(namespace, "removed")
    delete(namespace, "removed", by="quant")

    report = roll_back(namespace)

    assert values_of(namespace) == {"built on": '"mine now"'}
    assert counts(report) == {"kept": 2}
    assert {(one.key, one.fate) for one in report.left} == {("built on", Fate.KEPT), ("removed", Fate.KEPT)}
    assert Namespace.objects.get().revision == 4


def test_writers_of_one_name_are_two_where_one_is_verified(namespace):
    write(namespace, "a", '"true"')
    writing.set_entry(namespace, "a", JSONText.parse('"by token"'), caller=Caller("bot7", is_verified=True), now=NOW)
    lie(namespace, "a")

    roll_back(namespace)
    assert values_of(namespace) == {"a": '"by token"'}

    roll_back(namespace, Writer("bot7", is_verified=True))
    assert values_of(namespace) == {"a": '"by token"'}, "the rollback wrote later"


def test_those_who_gave_no_name_are_a_writer_too_and_expiries_are_not_theirs(namespace):
    write(namespace, "a", "1")
    write(namespace, "a", "2", by="")
    write(namespace, "brief", "3", ttl=1)
    removal.sweep(NOW + timedelta(seconds=2))

    report = roll_back(namespace, Writer("", is_verified=False), now=NOW + timedelta(seconds=3))

    assert values_of(namespace) == {"a": "1"}
    assert counts(report) == {"restored": 1}


@pytest.mark.parametrize("since", [2, NOW + timedelta(seconds=2)])
def test_since_a_revision_or_a_time_chooses_the_keys(namespace, since):
    lie(namespace, "early", now=NOW)
    lie(namespace, "earlier", now=NOW + timedelta(seconds=1))
    lie(namespace, "late", now=NOW + timedelta(seconds=2))

    report = roll_back(namespace, since=since, now=NOW + timedelta(seconds=3))

    assert set(values_of(namespace)) == {"early", "earlier"}
    assert report.extent.since == 2


def test_a_time_after_the_last_change_takes_back_nothing(namespace):
    lie(namespace, "a")

    report = roll_back(namespace, since=NOW + timedelta(seconds=1), now=NOW + timedelta(seconds=2))

    assert (report.extent.since, counts(report)) == (1, {})
    assert values_of(namespace) == {"a": '"lie"'}


def test_a_prefix_chooses_keys(namespace):
    for key in ("a", "findings/", "findings/1", "findings0"):
        lie(namespace, key)

    roll_back(namespace, prefix="findings/")

    assert set(values_of(namespace)) == {"a", "findings0"}


def test_a_preview_says_what_a_rollback_does_and_writes_nothing(namespace):
    write(namespace, "a", "1")
    lie(namespace, "a")
    lie(namespace, "b")
    lie(namespace, "c")
    write(namespace, "c")
    before = all_rows()

    told = rollback.preview(namespace, LIAR, now=NOW)
    after = all_rows()
    done = roll_back(namespace)

    assert after == before
    assert told.is_dry_run
    assert counts(told) == counts(done) == {"restored": 1, "deleted": 1, "kept": 1}
    assert sorted(moves(told)) == sorted(moves(done)) == [("a", 2, 1), ("b", 3, None)]


def test_a_preview_judges_a_bounded_number_of_keys(namespace, settings, monkeypatch):
    settings.LIMITS = {**settings.LIMITS, "batch_operations": 2}
    monkeypatch.setattr(rollback, "MOST_JUDGED", 4)
    for number in range(4):
        lie(namespace, f"k{number}")
    assert rollback.preview(namespace, LIAR, now=NOW).is_whole

    lie(namespace, "k4")

    told = rollback.preview(namespace, LIAR, now=NOW)
    assert (told.is_whole, told.counts.total()) == (False, 4)


def test_a_second_rollback_finds_nothing_to_do(namespace):
    write(namespace, "a", "1")
    lie(namespace, "a")
    lie(namespace, "b")
    liar = Caller("bot7")
    roll_back(namespace, caller=liar)
    before = Namespace.objects.get().revision

    report = roll_back(namespace, caller=liar)

    assert counts(report) == {"unchanged": 2}
    assert Namespace.objects.get().revision == before
    assert values_of(namespace) == {"a": "1"}


def test_what_would_have_expired_meanwhile_is_not_brought_back(namespace):
    write(namespace, "brief", "1", ttl=60)
    write(namespace, "lasting", "2", ttl=600)
    lie(namespace, "brief")
    lie(namespace, "lasting")
    later = NOW + timedelta(seconds=60)

    report = roll_back(namespace, now=later)

    assert values_of(namespace, later) == {"lasting": "2"}
    assert Entry.objects.get(key="lasting").expires_at == NOW + timedelta(seconds=600)
    assert counts(report) == {"deleted": 1, "restored": 1}
    assert_counters_exact(namespace)


def test_what_had_expired_before_the_writer_came_is_not_brought_back_either(namespace):
    write(namespace, "a", "1", ttl=1)
    Change.objects.update(expires_at=None)  # as logged before the log had the moment
    removal.sweep(NOW + timedelta(seconds=2))
    lie(namespace, "a", now=NOW + timedelta(seconds=3))

    roll_back(namespace, now=NOW + timedelta(seconds=4))

    assert values_of(namespace) == {}


@pytest.mark.parametrize("is_swept", [False, True])
def test_a_lie_that_has_expired_gives_way_to_what_it_covered(namespace, is_swept):
    write(namespace, "a", "1")
    lie(namespace, "a", ttl=1)
    lie(namespace, "b", ttl=1)
    later = NOW + timedelta(seconds=2)
    if is_swept:
        removal.sweep(later)

    report = roll_back(namespace, now=later)

    assert values_of(namespace, later) == {"a": "1"}
    assert counts(report) == {"restored": 1, "unchanged": 1}
    assert_counters_exact(namespace)


def trim_to(namespace, settings, size):
    settings.LIMITS = {**settings.LIMITS, "change_log_bytes": size}
    removal.trim(namespace, NOW)


def test_what_the_log_has_lost_is_left_alone_and_told(namespace, settings):
    write(namespace, "old", "1")
    lie(namespace, "old", now=NOW + timedelta(seconds=1))
    trim_to(namespace, settings, 8)
    before = all_rows()

    report = roll_back(namespace, now=NOW + timedelta(seconds=2))

    assert all_rows() == before
    assert [(one.key, one.fate) for one in report.left] == [("old", Fate.UNREACHABLE)]
    assert report.extent.trimmed_revision == 1


def test_what_the_writer_made_itself_is_deleted_though_the_log_has_lost_its_beginning(namespace, settings):
    write(namespace, "older", "1")
    lie(namespace, "new", now=NOW + timedelta(seconds=1))
    lie(namespace, "new", now=NOW + timedelta(seconds=2))
    trim_to(namespace, settings, 16)
    assert Namespace.objects.get().trimmed_revision == 1

    report = roll_back(namespace, now=NOW + timedelta(seconds=3))

    assert counts(report) == {"deleted": 1}
    assert set(values_of(namespace)) == {"older"}


def test_what_a_purge_has_erased_is_left_alone_and_told(namespace):
    write(namespace, "a", "1")
    Change.objects.update(value=None, bytes=1)
    Namespace.objects.update(log_bytes=1)
    lie(namespace, "a")

    report = roll_back(namespace)

    assert [(one.key, one.fate) for one in report.left] == [("a", Fate.UNREACHABLE)]
    assert values_of(namespace) == {"a": '"lie"'}


def test_what_was_purged_before_the_writer_came_is_not_there_afterwards(namespace):
    write(namespace, "a", "1")
    purging.start(namespace, "", reason="illegal", operator="ada", now=NOW)
    while purging.advance(PurgeJob.Driver.WORKER, now=NOW):
        pass
    lie(namespace, "a")

    roll_back(namespace)

    assert values_of(namespace) == {}


def test_a_version_by_a_writer_in_quarantine_is_not_gone_back_to(namespace):
    write(namespace, "a", '"true"')
    write(namespace, "a", '"also a lie"', by="bot8")
    lie(namespace, "a")
    quarantining.quarantine(namespace, Writer("bot8", is_verified=False), now=NOW)

    roll_back(namespace)

    assert values_of(namespace) == {"a": '"true"'}


def test_it_is_no_write_of_the_day_and_works_when_that_is_used_up(namespace, settings):
    settings.LIMITS = {**settings.LIMITS, "writes_per_day": 3}
    write(namespace, "a", "1")
    lie(namespace, "a")
    lie(namespace, "b")

    roll_back(namespace)

    assert values_of(namespace) == {"a": "1"}
    assert DailyUsage.objects.get().writes == 3


def test_it_obeys_the_storage_limit_as_a_whole(namespace, settings):
    write(namespace, "a", '"123456"')  # 9 bytes
    lie(namespace, "a", "1")
    lie(namespace, "b", "12345")  # 6 bytes, which go before the 9 are needed
    settings.LIMITS = {**settings.LIMITS, "bytes": 9}

    roll_back(namespace)

    assert values_of(namespace) == {"a": '"123456"'}
    assert_counters_exact(namespace)


def test_where_it_does_not_fit_nothing_is_written(namespace, settings):
    write(namespace, "a", '"123456"')
    lie(namespace, "a", "1")
    lie(namespace, "b", "12345")
    settings.LIMITS = {**settings.LIMITS, "bytes": 8}
    before = all_rows()

    with pytest.raises(StorageLimit):
        roll_back(namespace)

    assert all_rows() == before


def test_expired_entries_make_room_for_it(namespace, settings):
    write(namespace, "brief", '"123456"', ttl=1)
    write(namespace, "a", '"123456"')
    lie(namespace, "a", "1")
    settings.LIMITS = {**settings.LIMITS, "bytes": 20}

    roll_back(namespace, now=NOW + timedelta(seconds=2))

    assert values_of(namespace) == {"a": '"123456"'}


def test_an_operator_s_writes_are_not_taken_back(namespace):
    write(namespace, "a")

    with pytest.raises(InvalidWriter):
        roll_back(namespace, Writer("operator", is_verified=True))


def test_what_cannot_be_asked_is_refused_and_writes_nothing(namespace):
    with pytest.raises(NamespaceNotFound):
        roll_back(namespace)
    assert not Namespace.objects.exists()

    lie(namespace, "a")
    with pytest.raises(InvalidRevision):
        roll_back(namespace, since=2)
    Namespace.objects.update(status="read_only")
    before = all_rows()
    with pytest.raises(NamespaceReadOnly):
        roll_back(namespace)
    assert all_rows() == before


def test_more_keys_than_a_transaction_takes_are_a_job(namespace, small):
    write(namespace, "k0", "0")
    for number in range(5):
        lie(namespace, f"k{number}")
    lie(namespace, "built on")
    write(namespace, "built on")
    write(namespace, "other")

    job = roll_back(namespace).job
    begun = values_of(namespace)
    batches = drive()

    job.refresh_from_db()
    assert set(begun.values()) == {'"lie"', "1"}
    assert batches == 4, "the last of them finds that there is nothing left"
    assert values_of(namespace) == {"k0": "0", "built on": "1", "other": "1"}
    assert (job.state, job.restored, job.deleted, job.kept, job.cursor_revision) == ("done", 1, 4, 1, 9)
    report = rollback_jobs.find(namespace, job.started_at)
    assert counts(report) | {"refused": 0, "unchanged": 0, "unreachable": 0} == counts(report)
    assert ("k0", 2, 1) in moves(report)
    assert [(one.key, one.fate) for one in report.left] == [("built on", Fate.KEPT)]
    assert_counters_exact(namespace)


def test_each_key_of_a_job_is_judged_at_its_turn_and_once(namespace, small):
    for _ in range(3):
        for number in range(4):
            lie(namespace, f"k{number}")
    job = roll_back(namespace).job
    rollback_jobs.advance(now=NOW)

    lie(namespace, "k0", '"again, behind the cursor"')
    write(namespace, "k3", '"by another, before the cursor"')
    lie(namespace, "k2", '"again, before the cursor"')
    drive()

    job.refresh_from_db()
    assert values_of(namespace) == {
        "k0": '"again, behind the cursor"',
        "k3": '"by another, before the cursor"',
    }
    assert (job.deleted, job.kept) == (3, 1)


def test_a_job_of_the_writer_itself_ends(namespace, small):
    for number in range(5):
        write(namespace, f"k{number}", str(number))
        lie(namespace, f"k{number}")

    roll_back(namespace, caller=Caller("bot7"))

    assert drive() == 3
    assert values_of(namespace) == {f"k{number}": str(number) for number in range(5)}


def test_a_job_goes_through_a_long_log_span_by_span(namespace, small, monkeypatch):
    monkeypatch.setattr(rollback, "SPAN", 3)
    for number in range(3):
        lie(namespace, f"k{number}")
        for _ in range(4):
            write(namespace, "busy")

    roll_back(namespace)
    drive()

    assert set(values_of(namespace)) == {"busy"}


def test_a_job_leaves_alone_what_does_not_fit_and_says_so(namespace, small, settings):
    write(namespace, "big", '"123456789"')
    lie(namespace, "big", "1")
    for number in range(3):
        lie(namespace, f"k{number}", "1")
    job = roll_back(namespace).job
    settings.LIMITS = {**settings.LIMITS, "bytes": 6}
    drive()

    job.refresh_from_db()
    assert (job.state, job.refused, job.deleted) == ("done", 1, 3)
    assert values_of(namespace) == {"big": "1"}
    assert [(one.key, one.fate) for one in rollback_jobs.find(namespace, job.started_at).left] == [
        ("big", Fate.REFUSED)
    ]

    settings.LIMITS = {**settings.LIMITS, "bytes": 100}
    roll_back(namespace, prefix="big")
    assert values_of(namespace) == {"big": '"123456789"'}
    assert_counters_exact(namespace)


def test_a_job_waits_while_its_namespace_may_not_be_written_to(namespace, small):
    for number in range(3):
        lie(namespace, f"k{number}")
    job = roll_back(namespace).job
    Namespace.objects.update(status="read_only")

    assert drive(NOW + timedelta(seconds=1)) == 0
    job.refresh_from_db()
    assert (job.state, job.updated_at, job.deleted) == ("running", NOW + timedelta(seconds=1), 0)

    Namespace.objects.update(status="active")
    drive()
    assert values_of(namespace) == {}


def test_a_job_can_be_cancelled_and_what_it_did_stays_done(namespace, small):
    for number in range(5):
        lie(namespace, f"k{number}")
    job = roll_back(namespace).job
    rollback_jobs.advance(now=NOW)

    cancelled = rollback_jobs.cancel(namespace, job.started_at, now=NOW)

    assert (cancelled.job.state, cancelled.counts[Fate.DELETED], cancelled.is_whole) == ("cancelled", 2, False)
    assert drive() == 0
    assert set(values_of(namespace)) == {"k2", "k3", "k4"}
    assert rollback_jobs.cancel(namespace, job.started_at).job.state == "cancelled"
    with pytest.raises(RollbackNotFound):
        rollback_jobs.cancel(namespace, NOW + timedelta(seconds=1))


def test_one_job_at_a_time_runs_in_a_namespace(namespace, small):
    for number in range(3):
        lie(namespace, f"k{number}")
    job = roll_back(namespace).job

    with pytest.raises(RollbackRunning) as refused:
        roll_back(namespace, now=NOW + timedelta(seconds=1))

    assert refused.value.facts == {"job": job.started_at}
    assert RollbackJob.objects.count() == 1


def test_the_worker_carries_jobs_out(namespace, small, capsys):
    for number in range(3):
        lie(namespace, f"k{number}")
    roll_back(namespace)

    call_command("worker", "--once")

    assert "2 batches rolled back" in capsys.readouterr().out
    with pytest.raises(KeyNotFound):
        reading.get_entry(namespace, "k0", now=NOW)


def test_nothing_is_read_from_end_to_end(namespace):
    for number in range(30):
        lie(namespace, f"k{number % 7}")

    with CaptureQueriesContext(connection) as asked:
        rollback.preview(namespace, LIAR, now=NOW)
        roll_back(namespace)

    assert_by_index(asked)


def test_others_see_all_of_it_or_nothing_in_their_changes(namespace):
    write(namespace, "a", "1")
    lie(namespace, "a")
    lie(namespace, "b")

    roll_back(namespace)

    page = changes.changes_since(namespace, 3, now=NOW)
    assert [change.revision for change in page.changes] == [4, 5]


def test_in_a_private_namespace_it_is_for_admins_and_a_job_goes_on_without_the_token(namespace, small):
    admin = access.claim(namespace, name="boss", now=NOW).text
    boss = Caller("boss", is_verified=True, token=access.admit(namespace, admin, now=NOW).token)
    shared = tokens.share(namespace, boss, write=[""], name="bot7", now=NOW).text
    bot7 = Caller("bot7", is_verified=True, token=access.admit(namespace, shared, now=NOW).token)
    for number in range(3):
        writing.set_entry(namespace, f"k{number}", JSONText.parse("1"), caller=bot7, now=NOW)
    liar = Writer("bot7", is_verified=True)

    with pytest.raises(TokenNotAllowed):
        roll_back(namespace, liar, caller=bot7)
    with pytest.raises(NamespaceNotFound):
        roll_back(namespace, liar, caller=LEAD)
    job = roll_back(namespace, liar, caller=boss).job
    with pytest.raises(TokenNotAllowed):
        rollback_jobs.cancel(namespace, job.started_at, caller=bot7, now=NOW)
    with pytest.raises(RollbackNotFound):
        rollback_jobs.find(namespace, job.started_at, caller=LEAD, now=NOW)
    drive()

    assert rollback_jobs.find(namespace, job.started_at, caller=boss, now=NOW).counts[Fate.DELETED] == 3
    assert set(Change.objects.filter(kind="delete").values_list("writer", "is_verified")) == {("boss", True)}
