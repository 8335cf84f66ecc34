"""Which calls are sent again after what, and how long to pause before. It neither sends nor sleeps.

A read is repeated whenever that may help, and so is a write that does the same twice as once: one with an
Idempotency-Key, which the server carries out once. Any other write is repeated only where it is certain that nothing
was written: no connection came about, or BotWire itself answered with a code that says so and passes. A lost answer is
never one of these: the write may have happened (of the unanswered writes of a killed server more than half were
measured to have), and repeating it would count twice, or undo what another agent wrote since.
"""

from __future__ import annotations

import random
import time
from typing import Generic, TypeAlias, TypeVar

import httpx

from botwire._call import Call
from botwire._debug import log_attempt
from botwire._exceptions import ServerError
from botwire._problems import NEVER_SENT, code_of, may_have_written, no_answer, retry_after
from botwire._settings import Settings

T = TypeVar("T")

#: Seconds that the pauses of one call last together, at most. A Retry-After beyond them is not waited for.
MOST_PAUSE = 30.0
_FIRST_BACKOFF = 0.25
_LONGEST_BACKOFF = 5.0
_WORTH_ANOTHER_TRY = frozenset({429, 502, 503, 504})
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
        self._is_in_doubt = False

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
        self._is_in_doubt |= may_have_written(outcome, self.call.method)
        return pause

    def result(self, outcome: Outcome) -> T:
        """The result of the last attempt; raises what it failed with.

        Where an earlier attempt may have written, a failure of the last one does not tell that nothing was.
        """
        if not isinstance(outcome, httpx.Response):
            call, timeout = self.call, self._settings.timeout + self.call.wait
            raise no_answer(outcome, call.method, call.url, timeout, self._is_in_doubt) from outcome
        try:
            return self.call.result(outcome)
        except ServerError as error:
            error.is_outcome_unknown |= self._is_in_doubt
            raise


def _may_repeat(call: Call[T], outcome: Outcome) -> bool:
    code = code_of(outcome) if isinstance(outcome, httpx.Response) else None
    if code == "too_many_waiters":
        return False
    if call.is_repeatable and _is_worth_repeating(outcome):
        return True
    return code in _WORTH_ANOTHER_WRITE or isinstance(outcome, NEVER_SENT)


def _is_worth_repeating(outcome: Outcome) -> bool:
    if isinstance(outcome, httpx.Response):
        return outcome.status_code in _WORTH_ANOTHER_TRY
    return not isinstance(outcome, _NO_USE)


def _asked_pause(outcome: Outcome) -> float:
    return retry_after(outcome) or 0.0 if isinstance(outcome, httpx.Response) else 0.0


def _backoff(attempt: int) -> float:
    """Exponential with full jitter, in seconds."""
    return _random.uniform(0.0, min(_LONGEST_BACKOFF, _FIRST_BACKOFF * 2 ** (attempt - 1)))
