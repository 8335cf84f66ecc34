"""Is a memory that many use at once one register for each key? `uv run python -m tests.promises.linearizability`.

CLIENTS clients read, set, swap, delete, append and increment KEYS keys of a real server as fast as they can, while web
processes are killed and answers are lost; then the history of each key is checked, see `tests.promises.histories`. That
the checker would find a fault is shown with the same histories, into which one is planted.
"""

import argparse
import random
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any

import httpx

from tests.promises.histories import ABSENT, Kind, Operation, Told, fault_in
from tests.promises.killing import dying
from tests.promises.racing import Racer, race
from tests.servers import Server

PROCESSES, THREADS = 4, 2
CLIENTS = PROCESSES * THREADS
KEYS = ("a", "b/c", "é", "%41")
KILL_SECONDS = 3.0
# A machine that is busy with other things takes longer for as much as tells something.
LEAST, MOST_MORE_SECONDS = 100, 60.0
# One request in so many is given up after a few milliseconds, whatever becomes of it.
HURRY = 250
_WEIGHTS = {Kind.GET: 4, Kind.SET: 2, Kind.SWAP: 3, Kind.DELETE: 1, Kind.APPEND: 4, Kind.INCREMENT: 3}
# Before anything was sent.
_NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)

Record = tuple[str, Operation]


class Client:
    """One client, which does one thing at a time and writes down what it was told."""

    def __init__(self, racer: Racer, namespace: str) -> None:
        self._racer, self._path = racer, f"/memory/{namespace}"
        self._choice = random.Random(racer.number)
        self._seen: dict[str, int] = {}
        self._numbers = iter(range(racer.number * 10_000_000 + 1, sys.maxsize))
        self.records: list[Record] = []

    def run(self, seconds: float) -> list[Record]:
        end = time.monotonic() + seconds
        while time.monotonic() < end or (len(self.records) < LEAST and time.monotonic() < end + MOST_MORE_SECONDS):
            key = self._choice.choice(KEYS)
            done = self._do(key, self._ask(key))
            if done is not None:
                self.records.append((key, done))
        return self.records

    def _ask(self, key: str) -> Operation:
        kind = self._choice.choices(list(_WEIGHTS), list(_WEIGHTS.values()))[0]
        number = next(self._numbers)
        if kind is Kind.SWAP and key not in self._seen:
            kind = Kind.GET
        argument = (number,) if kind in (Kind.SET, Kind.SWAP) and self._choice.random() < 0.7 else number
        expected = self._seen[key] if kind is Kind.SWAP else None
        return Operation(self._racer.number, kind, time.monotonic(), argument=argument, expected=expected)

    def _do(self, key: str, operation: Operation) -> Operation | None:
        """The operation and how it ended; None where it was never sent."""
        options: dict[str, Any] = {}
        if self._choice.randrange(HURRY) == 0:
            options["timeout"] = httpx.Timeout(5, read=self._choice.uniform(0.001, 0.006))
        method, more = _request_of(operation)
        url = f"{self._path}/{httpx.URL(path='/' + key).raw_path.decode()[1:].replace('/', '%2F')}"
        try:
            answer = self._racer.client.request(method, url, **more, **options)
        except _NOT_SENT:
            return None
        except httpx.TransportError:
            return operation
        answered = time.monotonic()
        if answer.status_code == 503:
            return operation
        told = _told_by(answer, operation)
        if told.version and (operation.kind is not Kind.DELETE or told.is_refused):
            self._seen[key] = told.version
        return replace(operation, answered=answered, told=told)


def _request_of(operation: Operation) -> tuple[str, dict[str, Any]]:
    argument = list(operation.argument) if isinstance(operation.argument, tuple) else operation.argument
    match operation.kind:
        case Kind.GET | Kind.DELETE as kind:
            return kind.name, {}
        case Kind.SET:
            return "PUT", {"json": {"value": argument}}
        case Kind.SWAP:
            return "PUT", {"json": {"value": argument}, "headers": {"If-Match": f'"{operation.expected}"'}}
        case Kind.APPEND:
            return "PATCH", {"json": {"op": "append", "value": argument}}
        case Kind.INCREMENT:
            return "PATCH", {"json": {"op": "increment", "by": argument, "initial": 0}}


def _told_by(answer: httpx.Response, operation: Operation) -> Told:
    body = answer.json()
    if answer.is_success:
        value = operation.argument if operation.kind in (Kind.SET, Kind.SWAP) else body.get("value", ABSENT)
        return Told(body["version"], tuple(value) if isinstance(value, list) else value)
    outcome = answer.status_code, body["code"]
    if outcome == (404, "key_not_found"):
        return Told(None, ABSENT, is_refused=operation.kind is Kind.DELETE)
    assert outcome in ((412, "precondition_failed"), (409, "wrong_type")), (operation, answer.text)
    return Told(body["current_version"], is_refused=True)


def use(racer: Racer, namespace: str, seconds: float) -> list[Record]:
    """What one client did."""
    return Client(racer, namespace).run(seconds)


@dataclass(frozen=True)
class Recording:
    """What all clients did, by key, and how many processes were killed meanwhile."""

    histories: dict[str, list[Operation]]
    kills: int

    def faults(self) -> Iterator[str]:
        """What is wrong with it."""
        for key, history in self.histories.items():
            fault = fault_in(history)
            if fault is not None:
                yield f"{key!r}: {fault}"

    def planted(self) -> Iterator[tuple[str, list[Operation]]]:
        """Histories with one fault each, named by its kind, wherever there is a place for it."""
        for history in self.histories.values():
            for name, plant in PLANTS.items():
                planted = plant(history)
                if planted is not None:
                    yield name, planted

    def summary(self) -> str:
        counts = Counter(operation.kind.value for operation in chain.from_iterable(self.histories.values()))
        unknown = sum(operation.told is None for operation in chain.from_iterable(self.histories.values()))
        kinds = ", ".join(f"{number:,} {kind}" for kind, number in counts.most_common())
        return (
            f"{counts.total():,} operations of {CLIENTS} clients on {len(self.histories)} keys ({kinds}),"
            f" {unknown} of unknown outcome, {self.kills} processes killed"
        )


def recorded(server: Server, namespace: str, seconds: float) -> Recording:
    """Let clients use a server, whose web processes are killed now and then, and record what they did."""
    with dying(server, KILL_SECONDS) as killer:
        done = race(use, server.url, namespace, seconds, processes=PROCESSES, threads=THREADS)
    histories: dict[str, list[Operation]] = {key: [] for key in KEYS}
    for key, operation in chain.from_iterable(done):
        histories[key].append(operation)
    return Recording(histories, killer.kills)


def _reads(history: list[Operation]) -> list[int]:
    """The places of the reads that found several elements, from the middle on."""
    found = [
        number
        for number, operation in enumerate(history)
        if operation.kind is Kind.GET and operation.told and isinstance(operation.told.value, tuple)
        if len(operation.told.value) > 1
    ]
    return found[len(found) // 2 :]


def _with(history: list[Operation], number: int, told: Told) -> list[Operation]:
    return [*history[:number], replace(history[number], told=told), *history[number + 1 :]]


def _with_lost_update(history: list[Operation]) -> list[Operation] | None:
    """What a read found lacks its last element."""
    for number in _reads(history):
        told = history[number].told
        assert told is not None
        return _with(history, number, replace(told, value=told.value[:-1]))
    return None


def _with_double_append(history: list[Operation]) -> list[Operation] | None:
    """What a read found has its last element twice."""
    for number in _reads(history):
        told = history[number].told
        assert told is not None
        return _with(history, number, replace(told, value=(*told.value, told.value[-1])))
    return None


def _with_stale_read(history: list[Operation]) -> list[Operation] | None:
    """A read finds what an earlier one found, although another version had been found in between."""
    for number in _reads(history):
        read = history[number]
        earlier = [
            operation.told
            for operation in sorted(history, key=lambda operation: operation.called)
            if operation.kind is Kind.GET and operation.told and operation.told.version
            if operation.answered < read.called
        ]
        if earlier and earlier[0].version != earlier[-1].version:
            return _with(history, number, earlier[0])
    return None


PLANTS: dict[str, Callable[[list[Operation]], list[Operation] | None]] = {
    "a lost update": _with_lost_update,
    "a double append": _with_double_append,
    "a stale read": _with_stale_read,
}


def main() -> int:
    """0 if every history is linearizable, and every planted fault was found."""
    from tests.faults.soak import a_server, say

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    given = parser.parse_args()
    with a_server(given.database, workers=2) as server:
        recording = recorded(server, "linearizable", given.seconds)
    say(recording.summary())
    began = time.monotonic()
    faults = list(recording.faults())
    say(f"checked in {time.monotonic() - began:.1f} s: {len(faults)} violations")
    planted = list(recording.planted())
    missed = [name for name, history in planted if fault_in(history) is None]
    say(f"{len(planted)} faults planted: {len(missed)} not found")
    for fault in [*faults, *(f"not found: {name}" for name in missed)]:
        say(f"FAULT  {fault}")
    return 1 if faults or missed else 0


if __name__ == "__main__":
    sys.exit(main())
