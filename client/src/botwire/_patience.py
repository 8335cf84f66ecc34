"""How to ask for what is not there yet: held by the server where it does that, else again and again.

It neither sends nor sleeps: its methods are steps (see `_call`).
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import TypeVar

from botwire._call import Call, Pause, Steps
from botwire._exceptions import (
    BotWireConnectionError,
    BotWireError,
    InvalidParameterError,
    TooManyWaitersError,
    UnavailableError,
)

T = TypeVar("T")

#: Seconds that a server holds an answer for, at most.
LONGEST_WAIT = 55
#: Seconds that a server which did answer may be out of reach.
LONGEST_OUTAGE = 300.0

_FIRST_POLL = 0.1
_LONGEST_POLL = 2.0
_LONGEST_BACKOFF = 5.0
_POLL_WHILE_FULL = 5.0
# A server that waits in whole seconds may round them.
_EARLY = 0.5
_OUTAGES = (BotWireConnectionError, UnavailableError)
# From the system: processes forked from one parent must not pause in step.
_random = random.SystemRandom()


class Patience:
    """Asks until `timeout` seconds have passed (None: for ever); `not_yet` are the refusals that mean: not yet.

    A server that holds an answer back (`?wait=`) is asked again at once. One that does not (it has too many waiters, is
    too old, or stands behind plain WSGI) is asked after pauses that grow to two seconds, with jitter. A server that was
    reached once may be out of reach for five minutes, so that its restart is ridden out.
    """

    def __init__(self, timeout: float | None, *not_yet: type[BotWireError]) -> None:
        self.restart(timeout)
        self.refusal: BotWireError | None = None
        self._not_yet = not_yet
        self._longest = LONGEST_WAIT
        self._polls_until = 0.0
        self._reached_at: float | None = None
        self._was_held = False
        self._polls = 0

    def restart(self, timeout: float | None) -> None:
        """Begin to count anew."""
        self._ends_at = None if timeout is None else time.monotonic() + timeout

    @property
    def is_over(self) -> bool:
        return self._ends_at is not None and time.monotonic() >= self._ends_at

    def ask(self, call_for: Callable[[int], Call[T]]) -> Steps[T | None]:
        """The answer to `call_for(seconds)`, which the server may hold that long; None if it says: not yet.

        `refusal` is then how it said so.
        """
        failures = 0
        while True:
            seconds, began = self._seconds_to_hold(), time.monotonic()
            self.refusal = None
            try:
                answer: T | None = yield call_for(seconds)
            except self._not_yet as refusal:
                self.refusal, answer = refusal, None
            except TooManyWaitersError as full:
                self._polls_until = time.monotonic() + (full.retry_after or _POLL_WHILE_FULL)
                continue
            except InvalidParameterError as error:
                if not seconds or error.parameter not in ("wait", "equals"):
                    raise
                # An operator may allow less; a server that knows no wait names no limit.
                self._longest = error.limit if error.limit and error.limit < seconds else 0
                continue
            except _OUTAGES as error:
                failures += 1
                yield Pause(self._pause_in_outage(error, failures))
                continue
            self._reached_at = time.monotonic()
            self._was_held = bool(seconds) and self._reached_at - began >= seconds - _EARLY
            return answer

    def rest(self) -> Steps[None]:
        """Pause before the next ask, where the last one had no news and the server did not hold it."""
        if not self._was_held:
            pause = min(_LONGEST_POLL, _FIRST_POLL * 2**self._polls)
            self._polls = min(self._polls + 1, 10)
            yield Pause(min(self._left(), pause * _random.uniform(0.5, 1.0)))

    def had_news(self) -> None:
        """The last answer was new: pauses begin small again."""
        self._polls = 0

    def _seconds_to_hold(self) -> int:
        if time.monotonic() < self._polls_until:
            return 0
        return int(min(self._longest, self._left()))

    def _left(self) -> float:
        return max(0.0, self._ends_at - time.monotonic()) if self._ends_at is not None else float(LONGEST_WAIT)

    def _pause_in_outage(self, error: BotWireConnectionError | UnavailableError, failures: int) -> float:
        """Seconds to pause in an outage; raises `error` where it is none to ride out."""
        since = self._reached_at
        if since is None or error.is_outcome_unknown or self.is_over or time.monotonic() - since > LONGEST_OUTAGE:
            raise error
        return min(self._left(), _random.uniform(0.0, min(_LONGEST_BACKOFF, 0.25 * 2 ** min(failures, 10))))
