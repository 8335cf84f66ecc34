"""What operators do to namespaces, and the log of it, which only ever grows."""

from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth import get_user_model
from django.db import DatabaseError, connection, transaction

from namespaces import moderation, reading, writing
from namespaces.errors import ActRefused, NamespaceNotFound, NamespaceReadOnly, NamespaceSuspended, Refusal
from namespaces.jsontext import JSONText
from namespaces.models import ModerationAction, Namespace
from namespaces.moderation import Action
from tests.rows import all_rows

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("database")]

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)
ONE = JSONText.parse("1")


def write(namespace, now=NOW):
    return writing.set_entry(namespace, "k", ONE, now=now)


def set_status(namespace, action, **options):
    moderation.set_status(namespace, action, **{"reason": "spam", "operator": "ada", "now": NOW} | options)


def set_limits(namespace, limits, **options):
    moderation.set_limits(namespace, limits, **{"reason": "asked for", "operator": "ada", "now": NOW} | options)


def everything():
    return all_rows(), list(ModerationAction.objects.order_by("id").values())


def test_a_suspension_is_told_to_agents_and_logged_with_before_and_after(namespace):
    write(namespace)

    set_status(namespace, Action.SUSPEND, until=LATER)

    with pytest.raises(NamespaceSuspended) as told:
        write(namespace)
    assert told.value.facts == {"reason": "spam", "until": LATER}
    [row] = ModerationAction.objects.values("at", "operator", "action", "namespace", "reason", "before", "after")
    assert row == {
        "at": NOW,
        "operator": "ada",
        "action": "suspend",
        "namespace": namespace,
        "reason": "spam",
        "before": {"status": "active", "status_reason": "", "status_until": None},
        "after": {"status": "suspended", "status_reason": "spam", "status_until": "2026-05-01T13:00:00+00:00"},
    }


def test_a_restriction_ends_at_its_moment(namespace):
    write(namespace)
    set_status(namespace, Action.READ_ONLY, until=LATER)

    with pytest.raises(NamespaceReadOnly):
        write(namespace, now=LATER - timedelta(microseconds=1))
    assert write(namespace, now=LATER).version == 2


def test_activating_leaves_no_reason_and_no_end(namespace):
    write(namespace)
    set_status(namespace, Action.SUSPEND, until=LATER)

    set_status(namespace, Action.ACTIVATE, reason="cleared up")

    row = Namespace.objects.get()
    assert (row.status, row.status_reason, row.status_until) == ("active", "", None)
    assert ModerationAction.objects.latest("id").reason == "cleared up"


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"reason": ""}, "reason"),
        ({"reason": " \n\t "}, "reason"),
        ({"reason": "x" * 1_001}, "reason"),
        ({"reason": "a\0b"}, "reason"),
        ({"reason": "a\x9bb"}, "reason"),
        ({"reason": "a\ud800b"}, "reason"),
        ({"until": NOW}, "until"),
        ({"until": NOW - timedelta(days=1)}, "until"),
        ({"action": Action.ACTIVATE, "until": LATER}, "until"),
        ({"action": Action.PURGE}, "action"),
    ],
)
def test_a_status_that_cannot_be_set_changes_nothing(namespace, options, field):
    write(namespace)
    before = everything()

    with pytest.raises(ActRefused) as refused:
        set_status(namespace, **{"action": Action.SUSPEND, **options})

    assert refused.value.field == field
    assert everything() == before


def test_the_longest_reason_is_taken_and_put_on_one_line(namespace):
    write(namespace)

    set_status(namespace, Action.SUSPEND, reason=f"  {'x' * 499}\r\n\n{'y' * 500} ")

    assert Namespace.objects.get().status_reason == f"{'x' * 499} {'y' * 500}"


def test_a_namespace_that_never_existed_cannot_be_limited_in_advance(namespace):
    with pytest.raises(NamespaceNotFound):
        set_status(namespace, Action.SUSPEND)

    assert everything()[1] == []


def test_limits_of_one_namespace_count_and_end(namespace):
    write(namespace)

    set_limits(namespace, {"writes_per_day": 1, "bytes": 100})
    with pytest.raises(Refusal) as told:
        write(namespace)
    set_limits(namespace, {"writes_per_day": None})

    assert told.value.code == "daily_write_limit"
    assert write(namespace).allowance.limit == 1_000
    assert reading.state(namespace, now=NOW).own_limits == {"bytes": 100}, "what is not named stays"
    assert [(row.before, row.after) for row in ModerationAction.objects.order_by("id")] == [
        (
            {"limit_writes_per_day": None, "limit_bytes": None},
            {"limit_writes_per_day": 1, "limit_bytes": 100},
        ),
        ({"limit_writes_per_day": 1}, {"limit_writes_per_day": None}),
    ]


@pytest.mark.parametrize(
    ("name", "most"), [("writes_per_day", 1_000_000_000), ("bytes", 2**40), ("value_bytes", 67_108_864)]
)
def test_a_limit_is_taken_at_its_edges_and_refused_beyond(namespace, name, most):
    write(namespace)
    set_limits(namespace, {name: 1})
    set_limits(namespace, {name: most})
    before = everything()

    for number in (0, -1, most + 1):
        with pytest.raises(ActRefused) as refused:
            set_limits(namespace, {name: number})
        assert refused.value.field == f"limit_{name}"

    assert everything() == before


@pytest.mark.parametrize("limits", [{}, {"key_bytes": 5}, {"none": 1}])
def test_what_is_no_limit_of_a_namespace_is_refused(namespace, limits):
    write(namespace)

    with pytest.raises(ActRefused):
        set_limits(namespace, limits)


def test_many_are_done_one_by_one_and_what_failed_is_told(namespace):
    write(f"{namespace}-a")
    write(f"{namespace}-b")
    names = [f"{namespace}-a", f"{namespace}-none", "not a name", f"{namespace}-b", f"{namespace}-a"]

    outcome = moderation.for_each(names, lambda name: set_status(name, Action.READ_ONLY))

    assert outcome.done == [f"{namespace}-a", f"{namespace}-b"]
    assert set(outcome.failed) == {f"{namespace}-none", "not a name"}
    assert ModerationAction.objects.count() == 2


def test_an_act_that_can_be_done_to_none_is_done_to_none(namespace):
    write(namespace)

    with pytest.raises(ActRefused):
        moderation.for_each([namespace], lambda name: set_status(name, Action.SUSPEND, reason=""))

    assert ModerationAction.objects.count() == 0


def test_an_act_without_its_row_in_the_log_does_not_happen(namespace):
    write(namespace)

    with pytest.raises(UnicodeEncodeError):
        set_status(namespace, Action.SUSPEND, operator="\ud800")

    assert Namespace.objects.get().status == "active"


# --- the log


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE namespaces_moderationaction SET reason = 'nothing'",
        "DELETE FROM namespaces_moderationaction",
        "UPDATE namespaces_moderationaction SET at = at",
    ],
)
def test_the_database_refuses_to_change_the_log(namespace, statement):
    write(namespace)
    set_status(namespace, Action.SUSPEND)
    before = everything()

    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)

    assert everything() == before


def test_the_log_outlives_the_account_and_the_namespace(namespace):
    account = get_user_model().objects.create(username="ada")
    write(namespace)
    set_status(namespace, Action.SUSPEND)

    account.delete()
    Namespace.objects.filter(name=namespace).delete()

    [row] = ModerationAction.objects.all()
    assert (row.operator, row.namespace, row.reason) == ("ada", namespace, "spam")
