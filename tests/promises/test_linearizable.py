"""Linearizable: whatever many do to a key at once, and whatever dies meanwhile, all are told of one order."""

import pytest

from tests.faults.load import ROOM
from tests.promises.histories import fault_in
from tests.promises.linearizability import PLANTS, recorded

SECONDS = 8  # `python -m tests.promises.linearizability` takes longer


@pytest.fixture(scope="module")
def recording(make_lasting_server):
    server = make_lasting_server(workers=2, **ROOM)
    yield recorded(server, "linearizable", SECONDS)
    server.kill()


def test_every_history_is_linearizable_although_processes_are_killed(recording):
    assert list(recording.faults()) == []
    assert recording.kills > 0
    assert all(recording.histories.values())


def test_a_fault_that_is_planted_into_them_is_found(recording):
    planted = list(recording.planted())

    assert {name for name, _ in planted} == set(PLANTS)
    assert [name for name, history in planted if fault_in(history) is None] == []
