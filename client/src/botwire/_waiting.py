"""Waiting for an entry, following the changes of a namespace, and changing a value by a function of the caller's.

Steps and states for both clients (see `_call`); nothing here sends or sleeps.
"""

from __future__ import annotations

import copy
import random
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any

from botwire._call import Pause, Steps
from botwire._exceptions import KeyNotFoundError, PreconditionFailedError, TargetMissingError, WaitTimeoutError
from botwire._models import Change, ChangePage, Entry
from botwire._operations import Unset, checked_version
from botwire._patience import Patience
from botwire._values import JSONValue, encode_value
from botwire._wire import Calls, Fenced

# Longer values would not fit into an address; they are compared here alone.
_LONGEST_EQUALS = 1_000
_FIRST_CONFLICT_PAUSE = 0.01
_LONGEST_CONFLICT_PAUSE = 1.0
_random = random.SystemRandom()


@dataclass(frozen=True, slots=True)
class Condition:
    """What is waited for: an entry that `is_met` accepts; `equals` and `after` say the same to the server."""

    is_met: Callable[[Entry], bool]
    equals: bytes | None = None
    after: int | None = None

    @classmethod
    def of(cls, equals: JSONValue | Unset, after: int | None, until: Callable[[Any], object] | None) -> Condition:
        """At most one of the three; ValueError for more."""
        if [isinstance(equals, Unset), after is None, until is None].count(False) > 1:
            raise ValueError("equals, after and until exclude each other; until can look at anything in the value.")
        if not isinstance(equals, Unset):
            text = encode_value(equals)
            short = text if len(text) <= _LONGEST_EQUALS else None
            return cls(lambda entry: is_equal(entry.value, equals), equals=short)
        if after is not None:
            version = checked_version(after)
            return cls(lambda entry: entry.version > version, after=version)
        return cls(lambda entry: until is None or bool(until(entry.value)))


def wait(calls: Calls, key: str, condition: Condition, timeout: float | None) -> Steps[Any]:
    """The value under `key` as soon as the condition is met; WaitTimeoutError after `timeout` seconds."""
    patience = Patience(timeout, KeyNotFoundError)
    seen = condition.after
    while True:
        known, call = seen, partial(calls.awaited_entry, key, seen=seen, equals=condition.equals)
        entry: Entry | None = yield from patience.ask(call)
        if entry is not None and condition.is_met(entry):
            return entry.value
        if patience.is_over:
            raise WaitTimeoutError(f"{key!r} is not as awaited after {timeout:g} s.", key=key)
        if entry is not None:
            seen = entry.version
        elif patience.refusal:
            seen = None
        if seen == known or condition.equals:
            yield from patience.rest()
        else:
            patience.had_news()


def is_equal(one: Any, other: Any) -> bool:
    """Equality of JSON values (RFC 6902 section 4.6): 1 is 1.0, and neither is True."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(is_equal(one[name], other[name]) for name in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(is_equal, one, other))
    return isinstance(one, bool) == isinstance(other, bool) and bool(one == other)


def only_value(popped: list[Any], key: str, default: Any) -> Any:
    """What was taken out of a list, or `default` if that is nothing; TargetMissingError without one."""
    if popped:
        return popped[0]
    if isinstance(default, Unset):
        raise TargetMissingError(f"There is nothing to take out of a list under {key!r}.")
    return default


def update(
    calls: Calls,
    key: str,
    function: Callable[[Any], JSONValue],
    default: Any,
    ttl: float | timedelta | None,
    timeout: float,
    lease: Fenced | None,
) -> Steps[Any]:
    """Read, change, compare-and-set, until nobody wrote in between; PreconditionFailedError after `timeout` seconds."""
    ends_at, attempts = time.monotonic() + timeout, 0
    while True:
        entry = yield from entry_or_none(calls, key)
        new = function(copy.deepcopy(default) if entry is None else entry.value)
        version = entry.version if entry else None
        try:
            yield calls.set(key, new, ttl, version, entry is None, lease)
        except PreconditionFailedError:
            longest = min(_LONGEST_CONFLICT_PAUSE, _FIRST_CONFLICT_PAUSE * 2 ** min(attempts, 10))
            pause, attempts = _random.uniform(0.0, longest), attempts + 1
            if time.monotonic() + pause > ends_at:
                raise
            yield Pause(pause)
        else:
            return new


def entry_or_none(calls: Calls, key: str) -> Steps[Entry | None]:
    try:
        entry: Entry = yield calls.get_entry(key)
    except KeyNotFoundError:
        return None
    return entry


class Following:
    """Where somebody who follows the changes of a namespace stands. Each is given once, in order, none left out."""

    def __init__(self, calls: Calls, prefix: str, since: int | None, timeout: float | None) -> None:
        calls.changes(since, prefix, None)  # raises for what can not be asked
        self._calls, self._prefix, self._timeout = calls, prefix, timeout
        self._next = since
        self._given = since
        self._ready: deque[Change] = deque()
        self._patience = Patience(timeout)

    @property
    def revision(self) -> int | None:
        """The revision to give as `since` to go on from here; None as long as it has not begun."""
        return self._given if self._ready else self._next

    def begin(self) -> Steps[None]:
        """Fix the revision to begin after, where none was given."""
        if self._next is None:
            page = yield self._calls.changes(None, self._prefix, None)
            self._next = page.next

    def next_change(self) -> Steps[Change | None]:
        """The next change; None where none came for `timeout` seconds."""
        yield from self.begin()
        self._patience.restart(self._timeout)
        while not self._ready:
            page = yield from self._fetch()
            if page.next < page.revision or self._ready:
                self._patience.had_news()
            elif self._patience.is_over:
                return None
            else:
                yield from self._patience.rest()
        change = self._ready.popleft()
        self._given = change.revision
        return change

    def _fetch(self) -> Steps[ChangePage]:
        """The changes after those that were fetched; a server may skip many that do not concern, with an empty page."""
        since = self._next or 0
        page: ChangePage | None = yield from self._patience.ask(
            lambda seconds: self._calls.changes(since, self._prefix, None, seconds)
        )
        assert page is not None, "changes are never refused as not yet there"
        self._ready.extend(change for change in page.changes if change.revision > since)
        self._next = max(since, page.next)
        return page
