"""Which calls are sent again after what, and how long to pause before. It neither sends nor sleeps.

A read is repeated whenever that may help. A write is repeated only where it is certain that nothing was written: no
connection came about, or BotWire itself answered with a code that says so and passes. A lost answer is never one of
these: the write may have happened (of the unanswered writes of a killed server more than half were measured to have),
and repeating it would count twice, undo what another agent wrote since, or fail its own condition.
"""

from __future__ import annotations

import random
import time
from typing import Generic, TypeAlias, TypeVar

import httpx

from botwire._debug import log_attempt
from botwire._problems import NEVER_SENT, code_of, no_answer, retry_after
from botwire._settings import Settings
from botwire._wire import Call

T = TypeVar("T")

#: Seconds that the pauses of one call last together, at most. A Retry-After beyond them is not waited for.
MOST_PAUSE = 30.0
_FIRST_BACKOFF = 0.25
_LONGEST_BACKOFF = 5.0
_WORTH_ANOTHER_READ = frozenset({429, 502, 503, 504})
_WORTH_ANOTHER_WRITE = frozenset({"database_unavailable", "daily_write_limit", "namespace_creation_limit"})
_NO_USE = (httpx.LocalProtocolError, httpx.UnsupportedProtocol, httpx.DecodingError)
# From the system: processes forked from one parent must not pause in step.
_random = random.SystemRandom()

Outcome: TypeAlias = httpx.Response | httpx.RequestError


class Exchange(Generic[T]):
    """One call with all its attempts: `begin()` before each, `pause_after()` behind it, `result()` in the end."""

    def __init__(self, call: Call[T], settings: Settings) -> None:
        self.call = call
        self._settings = settings
        self._attempt = 0
        self._paused = 0.0
        self._began = 0.0

    def begin(self) -> None:
        self._attempt += 1
        self._began = time.perf_counter()

    def pause_after(self, outcome: Outcome) -> float | None:
        """Seconds to pause before the next attempt; None where there is to be none."""
        log_attempt(self.call, outcome, time.perf_counter() - self._began, self._attempt)
        if self._attempt > self._settings.retries or not _may_repeat(self.call, outcome):
            return None
        asked, left = _asked_pause(outcome), MOST_PAUSE - self._paused
        if asked > left:
            return None
        pause = min(left, asked + _backoff(self._attempt))
        self._paused += pause
        return pause

    def result(self, outcome: Outcome) -> T:
        """The result of the last attempt; raises what it failed with."""
        if isinstance(outcome, httpx.Response):
            return self.call.result(outcome)
        raise no_answer(outcome, self.call.method, self.call.url, self._settings.timeout) from outcome


def _may_repeat(call: Call[T], outcome: Outcome) -> bool:
    if call.method == "GET":
        return _is_read_worth_repeating(outcome)
    if isinstance(outcome, httpx.Response):
        return code_of(outcome) in _WORTH_ANOTHER_WRITE
    return isinstance(outcome, NEVER_SENT)


def _is_read_worth_repeating(outcome: Outcome) -> bool:
    if isinstance(outcome, httpx.Response):
        return outcome.status_code in _WORTH_ANOTHER_READ
    return not isinstance(outcome, _NO_USE)


def _asked_pause(outcome: Outcome) -> float:
    return retry_after(outcome) or 0.0 if isinstance(outcome, httpx.Response) else 0.0


def _backoff(attempt: int) -> float:
    """Exponential with full jitter, in seconds."""
    return _random.uniform(0.0, min(_LONGEST_BACKOFF, _FIRST_BACKOFF * 2 ** (attempt - 1)))
