"""The data set that `manage.py seed` makes: as many entries as asked for, and as consistent as if they were written."""

import io

import pytest
from django.core.management import CommandError, call_command
from django.db.models import Sum

from namespaces import seeding, standing
from namespaces.jsontext import JSONText
from namespaces.models import DailyTotal, DailyUsage, Entry, ModerationAction, Namespace, Standing
from namespaces.writing import set_entry
from tests.factories import NamespaceFactory
from tests.rows import assert_counters_exact

pytestmark = pytest.mark.django_db


def seed(**numbers):
    printed = io.StringIO()
    call_command("seed", stdout=printed, **{"entries": 3_000, "namespaces": 250, **numbers})
    return printed.getvalue()


def test_it_is_as_large_as_asked_for_and_consistent(database):
    printed = seed()

    assert "250 of 250 namespaces added." in printed
    assert "100 %  3,000 of 3,000 entries" in printed
    assert (Namespace.objects.count(), Entry.objects.count(), Standing.objects.count()) == (250, 3_000, 250)
    assert Namespace.objects.order_by("-entries").values_list("entries", flat=True)[0] == 600
    for name in Namespace.objects.values_list("name", flat=True):
        assert_counters_exact(name)
    assert standing.refresh_all() == 0
    assert DailyTotal.objects.aggregate(all=Sum("writes")) == DailyUsage.objects.aggregate(all=Sum("writes"))


def test_it_has_what_operators_look_for(database):
    seed()

    assert set(Namespace.objects.values_list("status", flat=True)) == {"active", "read_only", "suspended"}
    assert ModerationAction.objects.count() == Namespace.objects.exclude(status="active").count()
    assert Namespace.objects.filter(created_from="203.0.113.7").count() == 25
    assert DailyUsage.objects.values("day").distinct().count() == 30


def test_what_it_made_can_be_written_to(database):
    seed()

    written = set_entry("research-00001", "k", JSONText.parse("1"))

    assert written.is_new
    assert_counters_exact("research-00001")


def test_run_again_it_adds_nothing(database):
    seed()
    before = list(Namespace.objects.order_by("name").values())

    assert "0 of 250 namespaces added." in seed()
    assert list(Namespace.objects.order_by("name").values()) == before
    assert ModerationAction.objects.count() == 5


def test_stopped_in_the_middle_it_goes_on(database):
    batches = seeding.make(seeding.plan(3_000, 250, 600))
    next(batches)
    assert Namespace.objects.count() == 100

    assert "150 of 250 namespaces added." in seed()
    assert Entry.objects.count() == 3_000


def test_beside_other_namespaces_it_wants_to_be_told(database):
    NamespaceFactory(name="own")

    with pytest.raises(CommandError, match="--beside-others"):
        seed()

    assert Namespace.objects.count() == 1
    assert "250 of 250" in seed(beside_others=True)


@pytest.mark.parametrize("numbers", [{"entries": 848}, {"namespaces": 0}, {"largest": 0}, {"largest": 2_752}])
def test_numbers_that_do_not_add_up_are_refused(database, numbers):
    numbers = {"largest": 600, **numbers}

    with pytest.raises(CommandError, match="at least one entry"):
        seed(**numbers)

    assert not Namespace.objects.exists()


def test_one_namespace_may_have_all(database):
    seed(entries=100, namespaces=1)

    assert list(Namespace.objects.values_list("entries", flat=True)) == [100]
