"""The checker of histories: it finds an order where there is one, and each kind of fault where one was planted."""

import random
from dataclasses import replace

import pytest

from tests.promises.histories import ABSENT, Kind, Operation, State, Told, fault_in, following, without_answer

CLIENTS = 8


class Register:
    """One key as it should be: carries out operations one after the other, and says what it told."""

    def __init__(self) -> None:
        self.value, self.version, self.revision = ABSENT, None, 0

    def carry_out(self, operation: Operation) -> Told:
        if operation.kind is Kind.GET:
            return Told(self.version, self.value)
        state = following(State(self.value, self.version, self.revision), replace(operation, told=None))
        if state is None:
            return Told(self.version, is_refused=True)
        self.revision += 1
        self.value, self.version = state.value, None if state.value is ABSENT else self.revision
        return Told(self.revision, self.value)


def history_of(seed: int, length: int = 400, *, lost: float = 0.0) -> list[Operation]:
    """What CLIENTS at one register are told, each of them one thing at a time; that part of the answers is `lost`."""
    choice, register, history = random.Random(seed), Register(), []
    free_at = [0.0] * CLIENTS
    effect = 0.0
    for number in range(1, length + 1):
        client = choice.randrange(CLIENTS)
        effect = max(effect, free_at[client]) + choice.random()
        called = max(free_at[client], effect - choice.random() * 4)
        asked = _asked(choice, client, number, called, register)
        told = register.carry_out(asked)
        free_at[client] = answered = effect + choice.random() * 4
        done = replace(asked, answered=answered, told=told)
        history.append(without_answer(done) if choice.random() < lost else done)
        effect += 1e-6
    return history


def _asked(choice: random.Random, client: int, number: int, called: float, register: Register) -> Operation:
    kind = choice.choice([Kind.GET, Kind.GET, *Kind])
    argument = (number,) if kind in (Kind.SET, Kind.SWAP) and choice.random() < 0.6 else number
    expected = choice.choice([register.version or 1, max(register.revision - 1, 1)]) if kind is Kind.SWAP else None
    return Operation(client, kind, called, argument=argument, expected=expected)


@pytest.mark.parametrize("seed", range(8))
def test_what_one_register_told_is_linearizable(seed):
    assert fault_in(history_of(seed)) is None


@pytest.mark.parametrize("seed", range(8))
def test_so_it_is_where_answers_were_lost(seed):
    assert fault_in(history_of(seed, lost=0.03)) is None


def test_what_never_happened_although_it_was_asked_is_no_fault():
    history = [
        _told(0, Kind.SET, 0, 1, Told(1, 7), argument=7),
        Operation(1, Kind.SET, 2, argument=8),
        _told(2, Kind.GET, 3, 4, Told(1, 7)),
        _told(2, Kind.GET, 5, 6, Told(1, 7)),
    ]

    assert fault_in(history) is None


def _told(client: int, kind: Kind, called: float, answered: float, told: Told, **asked) -> Operation:
    return Operation(client, kind, called, answered, told, **asked)


FAULTS = {
    "a lost update: two increments make the same of it": [
        _told(0, Kind.INCREMENT, 0, 3, Told(1, 1), argument=1),
        _told(1, Kind.INCREMENT, 1, 4, Told(2, 1), argument=1),
    ],
    "an acknowledged set that is gone": [
        _told(0, Kind.SET, 0, 1, Told(1, 5), argument=5),
        _told(1, Kind.GET, 2, 3, Told(None, ABSENT)),
    ],
    "a stale read": [
        _told(0, Kind.SET, 0, 1, Told(1, 5), argument=5),
        _told(0, Kind.SET, 2, 3, Told(2, 6), argument=6),
        _told(1, Kind.GET, 4, 5, Told(1, 5)),
    ],
    "two reads that go back": [
        _told(0, Kind.SET, 0, 1, Told(1, 5), argument=5),
        _told(0, Kind.SET, 2, 9, Told(2, 6), argument=6),
        _told(1, Kind.GET, 3, 4, Told(2, 6)),
        _told(2, Kind.GET, 5, 6, Told(1, 5)),
    ],
    "a double append": [
        _told(0, Kind.APPEND, 0, 1, Told(1, (1,)), argument=1),
        Operation(1, Kind.APPEND, 2, argument=2),
        _told(2, Kind.GET, 3, 4, Told(3, (1, 2, 2))),
    ],
    "an append whose order is not that of its version": [
        _told(0, Kind.APPEND, 0, 5, Told(2, (1,)), argument=1),
        _told(1, Kind.APPEND, 0, 5, Told(1, (1, 2)), argument=2),
    ],
    "two swaps of one version": [
        _told(0, Kind.SET, 0, 1, Told(1, 5), argument=5),
        _told(1, Kind.SWAP, 2, 5, Told(2, 6), argument=6, expected=1),
        _told(2, Kind.SWAP, 2, 5, Told(3, 7), argument=7, expected=1),
    ],
    "a swap that is refused although its version is there": [
        _told(0, Kind.SET, 0, 1, Told(1, 5), argument=5),
        _told(1, Kind.SWAP, 2, 3, Told(1, is_refused=True), argument=6, expected=1),
    ],
    "a version that comes again": [
        _told(0, Kind.SET, 0, 1, Told(1, 5), argument=5),
        _told(0, Kind.DELETE, 2, 3, Told(2, ABSENT)),
        _told(0, Kind.SET, 4, 5, Told(1, 5), argument=5),
    ],
    "what was deleted is there again": [
        _told(0, Kind.SET, 0, 1, Told(1, 5), argument=5),
        _told(0, Kind.DELETE, 2, 3, Told(2, ABSENT)),
        _told(1, Kind.GET, 4, 5, Told(1, 5)),
    ],
    "what nobody wrote": [
        _told(0, Kind.SET, 0, 1, Told(1, 5), argument=5),
        Operation(1, Kind.SET, 2, argument=6),
        _told(1, Kind.GET, 4, 5, Told(2, 7)),
    ],
    "what was written before it was asked for": [
        _told(1, Kind.GET, 0, 1, Told(1, 5)),
        _told(0, Kind.SET, 2, 3, Told(1, 5), argument=5),
    ],
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_is_found(fault):
    assert fault_in(FAULTS[fault]) is not None


@pytest.mark.parametrize("seed", range(8))
def test_a_fault_is_found_in_the_midst_of_much_that_is_right(seed):
    history = history_of(seed, lost=0.01)
    reads = [number for number, operation in enumerate(history) if operation.kind is Kind.GET and operation.told]
    changed = history[reads[len(reads) // 2]]

    for told in (replace(changed.told, version=(changed.told.version or 0) + 100), Told(1, 10**9)):
        planted = [replace(operation, told=told) if operation is changed else operation for operation in history]
        assert fault_in(planted) is not None


@pytest.mark.parametrize("seed", range(4))
def test_a_register_that_forgets_one_write_in_twenty_is_found(seed, monkeypatch):
    sound, choice = Register.carry_out, random.Random(seed)

    def forgetful(self: Register, operation: Operation) -> Told:
        before = self.value, self.version
        told = sound(self, operation)
        if choice.random() < 0.05:
            self.value, self.version = before
        return told

    monkeypatch.setattr(Register, "carry_out", forgetful)

    assert fault_in(history_of(seed, 600)) is not None
