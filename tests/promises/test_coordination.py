"""What agents that coordinate are promised, at a small size; `python -m tests.promises.coordination`: the full one."""

import pytest

from tests.faults.load import ROOM
from tests.promises import coordination


@pytest.fixture
def own(make_server):
    """A server of the test's own, with two processes that serve."""
    return make_server(workers=2, **ROOM)


def test_no_change_is_lost_or_doubled_when_workers_are_killed(own, namespace):
    coordination.prove_no_change_is_lost(own, namespace, processes=8, times=25, kill_seconds=0.7)


def test_a_lease_has_one_holder_and_a_paused_one_writes_nothing_late(own, namespace):
    coordination.prove_one_holder(own, namespace, contenders=12, turns=2, paused=2)


def test_each_task_is_done_once_although_workers_die(own, namespace):
    coordination.prove_each_task_is_done(own, namespace, tasks=100, workers=6, deaths=2)


def test_a_watch_is_whole_across_a_restart(own, namespace):
    coordination.prove_a_watch_is_whole(own, namespace, changes=400, restarts=1)
