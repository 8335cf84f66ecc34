"""Histories of what clients did to one key at the same time, and whether they are linearizable. Nobody is asked here.

A history is linearizable if its operations can be put into one order in which each has the outcome that was told, and
none comes before another that had ended when it began (Herlihy and Wing, 1990). The search is that of Wing and Gong
(1993) with Lowe's memory of what was tried (2017). Keys may be checked one by one: linearizability is local.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any, NamedTuple

# Values are hashable here: a list is a tuple, and ABSENT stands where there is no entry.
Value = Any
ABSENT = None
MOST_CONFIGURATIONS = 300_000
# So many writes whose outcome nobody knows may follow one another before one whose outcome is known.
LONGEST_GUESS = 3


class Kind(Enum):
    GET = "get"
    SET = "set"
    DELETE = "delete"
    SWAP = "swap"  # a set on the condition of a version
    APPEND = "append"
    INCREMENT = "increment"


@dataclass(frozen=True, slots=True)
class Told:
    """What a client was told. `version` is that of the entry that was found or made, or of the deletion.

    `value` is the entry's then, where it was told; one that was refused has done nothing and found `version`.
    """

    version: int | None = None
    value: Value = ABSENT
    is_refused: bool = False


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation, from when it was sent to when its answer came; without an answer it may yet happen, or never.

    `argument` is the value that is set, the element that is appended, or the number that is added.
    """

    client: int
    kind: Kind
    called: float
    answered: float = math.inf
    told: Told | None = None
    argument: Value = ABSENT
    expected: int | None = None

    def __str__(self) -> str:
        asked = f"{self.kind.value}({self.argument}{f', if {self.expected}' if self.expected else ''})"
        return f"{self.called:.6f}-{self.answered:.6f} client {self.client}: {asked} -> {self.told}"


class State(NamedTuple):
    """A key's entry. `version` is None where nobody was told it; `newest` is the last version that is known."""

    value: Value = ABSENT
    version: int | None = None
    newest: int = 0

    def found_at(self, version: int | None) -> "State | None":
        """The same, its version known to be this one; None if it is not."""
        if version is None:
            return self if self.value is ABSENT else None
        if self.value is ABSENT or (version != self.version if self.version else version <= self.newest):
            return None
        return State(self.value, version, version)


def following(state: State, operation: Operation) -> State | None:
    """The state after an operation with the outcome that was told, or may have had; None if it cannot have had it."""
    told = operation.told
    if operation.kind is Kind.GET or (told and told.is_refused):
        return _seen(state, operation)
    value = _made(state, operation)
    if value is _NOTHING:
        return None
    if told is None:
        return State(value, None, state.newest)
    if told.version is None or told.version <= state.newest or (told.value is not ABSENT and told.value != value):
        return None
    return State(value, None if value is ABSENT else told.version, told.version)


def is_too_late(state: State, operation: Operation) -> bool:
    """Whether an operation can have its outcome neither now nor later: versions never go back."""
    told = operation.told
    if told is None or told.version is None:
        return False
    if operation.kind is not Kind.GET and not told.is_refused:
        return told.version <= state.newest
    return told.version < state.newest or (told.version == state.newest and following(state, operation) is None)


_NOTHING = object()


def _seen(state: State, operation: Operation) -> State | None:
    """The state after an operation that changed nothing."""
    told = operation.told
    if told is None:
        return state
    if operation.kind is Kind.GET:
        return state.found_at(told.version) if told.value == state.value else None
    found = state.found_at(told.version)
    if found is None or operation.kind is Kind.DELETE:
        return found if state.value is ABSENT else None
    if operation.kind is Kind.SWAP:
        return None if told.version == operation.expected else found
    return found if _made(state, operation) is _NOTHING else None


def _made(state: State, operation: Operation) -> Value:
    """The value that an accepted write makes of a state, or _NOTHING where it would be refused."""
    value, argument = state.value, operation.argument
    match operation.kind:
        case Kind.SET:
            return argument
        case Kind.SWAP:
            return argument if state.found_at(operation.expected) else _NOTHING
        case Kind.APPEND if value is ABSENT or isinstance(value, tuple):
            return (*(value or ()), argument)
        case Kind.INCREMENT if value is ABSENT or isinstance(value, int):
            return (value or 0) + argument
        case Kind.DELETE if value is not ABSENT:
            return ABSENT
        case _:
            return _NOTHING


class _Configuration(NamedTuple):
    """How far an order has come: all answered operations before `first`, and those of the bits of `beyond` after it.

    `guessed` has a bit for each unanswered one that is in the order; `guesses` of them were the last.
    """

    state: State
    first: int = 0
    beyond: int = 0
    guessed: int = 0
    guesses: int = 0


class Search:
    """The search for an order of one key's operations."""

    def __init__(self, history: Iterable[Operation]) -> None:
        by_call = sorted(history, key=lambda operation: operation.called)
        self._answered = [operation for operation in by_call if operation.told]
        self._unanswered = [operation for operation in by_call if not operation.told and operation.kind is not Kind.GET]
        self._versions = {
            operation.told.version
            for operation in self._answered
            if operation.told and operation.kind is not Kind.GET and not operation.told.is_refused
        }
        self._reached = self._tried = 0

    def finds_order(self) -> bool:
        """Whether there is one among as many as are tried."""
        begin = _Configuration(State())
        tried = {begin}
        stack = [self._after(begin)]
        while stack:
            for configuration in stack[-1]:
                if configuration not in tried:
                    break
            else:
                stack.pop()
                continue
            if configuration.first == len(self._answered):
                return True
            if len(tried) >= MOST_CONFIGURATIONS:
                return False
            tried.add(configuration)
            self._tried = len(tried)
            self._reached = max(self._reached, configuration.first)
            stack.append(self._after(configuration))
        return not self._answered

    def where(self) -> str:
        """The operations around the first that no order could contain."""
        around = self._answered[max(self._reached - 8, 0) : self._reached + 8]
        listed = "\n".join(map(str, [*around, *self._unanswered[:50]]))
        return f"none of {self._tried:,} orders goes beyond:\n{listed}"

    def _after(self, configuration: _Configuration) -> Iterator[_Configuration]:
        """What may come next: what is known to have happened first, guesses that explain it, then other guesses."""
        known, end = self._candidates(configuration)
        if any(is_too_late(configuration.state, self._answered[number]) for number in known):
            return
        blocked = []
        for number in known:
            state = following(configuration.state, self._answered[number])
            if state is None:
                blocked.append(self._answered[number])
            else:
                yield self._with(configuration, state, number)
        unexplained = [operation for operation in blocked if self._may_be_explained(operation)]
        is_unsure = configuration.state.value is not ABSENT and configuration.state.version is None
        if configuration.guesses >= LONGEST_GUESS or not (unexplained or is_unsure):
            return
        others = []
        for operation, guess in self._guesses(configuration, end):
            if any(following(guess.state, other) for other in unexplained):
                yield guess
            elif is_unsure or any(_may_lead_to(operation, other) for other in unexplained):
                others.append(guess)
        yield from others

    def _may_be_explained(self, operation: Operation) -> bool:
        """Whether a guess may make an operation possible: not if it waits for a version that is known to be another."""
        told = operation.told
        is_write = operation.kind is not Kind.GET and told and not told.is_refused
        found = operation.expected if is_write else told and told.version
        return found not in self._versions

    def _candidates(self, configuration: _Configuration) -> tuple[list[int], float]:
        """The answered operations that none of the others has to come before, and when the first of them ended."""
        found, end, number, beyond = [], math.inf, configuration.first, configuration.beyond
        while number < len(self._answered) and self._answered[number].called <= end:
            if not beyond & 1:
                found.append(number)
                end = min(end, self._answered[number].answered)
            number, beyond = number + 1, beyond >> 1
        return [number for number in found if self._answered[number].called <= end], end

    def _with(self, configuration: _Configuration, state: State, number: int) -> _Configuration:
        first, beyond = configuration.first, configuration.beyond | 1 << (number - configuration.first)
        while beyond & 1:
            first, beyond = first + 1, beyond >> 1
        return _Configuration(state, first, beyond, configuration.guessed)

    def _guesses(self, configuration: _Configuration, end: float) -> Iterator[tuple[Operation, _Configuration]]:
        for number, operation in enumerate(self._unanswered):
            if operation.called > end:
                break
            if configuration.guessed >> number & 1:
                continue
            state = following(configuration.state, operation)
            if state is not None:
                guessed = configuration.guessed | 1 << number
                yield operation, configuration._replace(state=state, guessed=guessed, guesses=configuration.guesses + 1)


def _may_lead_to(guess: Operation, operation: Operation) -> bool:
    """Whether a guess may be one of several that make an operation possible: a list that was told tells its parts."""
    told = operation.told
    if told is None or not isinstance(told.value, tuple) or guess.kind in (Kind.DELETE, Kind.INCREMENT):
        return True
    if guess.kind is Kind.APPEND:
        return guess.argument in told.value
    return isinstance(guess.argument, tuple) and guess.argument == told.value[:1]


def fault_in(history: Sequence[Operation]) -> str | None:
    """Where a history of one key stops being linearizable, as far as was tried; None if it is."""
    search = Search(history)
    return None if search.finds_order() else search.where()


def without_answer(operation: Operation) -> Operation:
    """The same, had its answer been lost."""
    return replace(operation, told=None, answered=math.inf)
