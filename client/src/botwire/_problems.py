"""What went wrong, as exceptions: answers that are not 2xx, answers that are not BotWire's, and no answer at all.

Whether to try again is decided in `_retry`, by what is made here.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import httpx

from botwire._exceptions import (
    BotWireAPIError,
    BotWireConnectionError,
    BotWireTimeoutError,
    UnexpectedAnswerError,
    class_for,
)
from botwire._settings import MOST_CONNECTIONS

PROBLEM = "application/problem+json"
#: What httpx raises before a single byte of the request can have left.
NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError)

_SERVER_ERROR = 500
_NOTHING_WRITTEN = frozenset(
    {"database_unavailable", "storage_limit", "disk_full", "too_many_waiters", "too_many_exports"}
)
_EXCERPT = 200
_START_ONE = (
    "Start a server with `uv run manage.py serve`, or let BOTWIRE_URL (or base_url=...) name the one that you mean."
)
_WAIT_LONGER = "It is slow, or out of reach: check base_url (or BOTWIRE_URL), or give it longer with timeout=..."
_FEWER_AT_ONCE = "Let fewer threads or tasks call at once, or give each its own Memory."
_READ_FIRST = "The write may or may not have happened: read before you repeat it."


def refusal(response: httpx.Response) -> BotWireAPIError:
    """The exception for an answer of 4xx or 5xx. A `code` counts only if the answer is BotWire's problem+json."""
    problem = _problem(response)
    code = _text(problem.get("code"))
    facts: dict[str, Any] = {"code": code, "status": response.status_code, "retry_after": retry_after(response)}
    facts |= {name: fact for name, read in _FACTS.items() if (fact := read(problem.get(name))) is not None}
    if may_have_written(response, response.request.method):
        facts["is_outcome_unknown"] = True
    return class_for(response.status_code, code)(_sentence(problem) or _foreign(response), **facts)


def code_of(response: httpx.Response) -> str | None:
    """The code that BotWire answered with; None where it did not, or something on the way to it answered."""
    return _text(_problem(response).get("code"))


def may_have_written(outcome: httpx.Response | httpx.RequestError, method: str) -> bool:
    """Whether a request that ended so may have changed something, without anybody knowing."""
    if method == "GET":
        return False
    if isinstance(outcome, httpx.Response):
        return outcome.status_code >= _SERVER_ERROR and code_of(outcome) not in _NOTHING_WRITTEN
    return not isinstance(outcome, NEVER_SENT)


def retry_after(response: httpx.Response) -> float | None:
    """Seconds, from a header that holds seconds or a date (RFC 9110 section 10.2.3); None if it holds neither."""
    text = response.headers.get("retry-after", "")
    if text.isascii() and text.isdigit():
        return float(text)
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(0.0, (aware - datetime.now(UTC)).total_seconds())


def unexpected(response: httpx.Response) -> UnexpectedAnswerError:
    """The exception for an answer that is neither a refusal nor what BotWire would say."""
    location = response.headers.get("location")
    advice = f"It points to {location}." if location else "Is base_url (or BOTWIRE_URL) that of a BotWire server?"
    message = f"{_foreign(response)} {advice}"
    return UnexpectedAnswerError(message, url=str(response.request.url), status=response.status_code)


def no_answer(
    error: httpx.RequestError, method: str, url: str, timeout: float, is_in_doubt: bool = False
) -> BotWireConnectionError:
    """The exception for a request that got no whole answer; `timeout` is in seconds.

    `is_in_doubt` tells that an attempt before this one may have written.
    """
    is_timeout = isinstance(error, httpx.TimeoutException)
    is_outcome_unknown = is_in_doubt or may_have_written(error, method)
    reason = f"nothing within {timeout:g} s" if is_timeout else str(error) or type(error).__name__
    advice = _WAIT_LONGER if is_timeout else _START_ONE
    if isinstance(error, httpx.PoolTimeout):
        reason, advice = f"all {MOST_CONNECTIONS} connections stayed in use", _FEWER_AT_ONCE
    if is_outcome_unknown:
        advice = _READ_FIRST
    return (BotWireTimeoutError if is_timeout else BotWireConnectionError)(
        f"No answer from {url} ({method}): {reason}. {advice}",
        method=method,
        url=url,
        is_outcome_unknown=is_outcome_unknown,
    )


def broken_off(method: str, url: str) -> BotWireConnectionError:
    """The exception for an answer that ended before it was whole."""
    return BotWireConnectionError(f"The answer from {url} ({method}) broke off; try again.", method=method, url=url)


def _problem(response: httpx.Response) -> dict[str, Any]:
    """The members of a problem+json body, or nothing."""
    if not response.headers.get("content-type", "").lower().startswith(PROBLEM):
        return {}
    try:
        problem = json.loads(response.content)
    except (ValueError, RecursionError):
        return {}
    return problem if isinstance(problem, dict) else {}


def _sentence(problem: dict[str, Any]) -> str:
    parts = (_text(problem.get(name)) for name in ("detail", "next_step"))
    return " ".join(part for part in parts if part) or _text(problem.get("title")) or ""


def _foreign(response: httpx.Response) -> str:
    """A sentence about an answer that is not BotWire's."""
    kind = response.headers.get("content-type", "no content type")
    excerpt = " ".join(response.text[:_EXCERPT].split())
    status = f"{response.status_code} {response.reason_phrase}".strip()
    said = f", which begins {excerpt!r}" if excerpt else ""
    return f"{response.request.url} answered {status} with {kind} instead of BotWire's JSON{said}."


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _integer(value: object) -> int | None:
    return value if isinstance(value, int) else None


def _seconds(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) else None


def _moment(value: object) -> datetime | None:
    try:
        return datetime.fromisoformat(str(value))
    except ValueError:
        return None


def _texts(value: object) -> tuple[str, ...] | None:
    return tuple(map(str, value)) if isinstance(value, list) else None


def _integers(value: object) -> tuple[int, ...] | None:
    return tuple(one for one in value if isinstance(one, int)) if isinstance(value, list) else None


_FACTS: dict[str, Callable[[object], object]] = {
    "title": _text,
    "detail": _text,
    "next_step": _text,
    "limit": _integer,
    "used": _integer,
    "needed": _integer,
    "resets_at": _moment,
    "retry_after": _seconds,
    "current_version": _integer,
    "current_type": _text,
    "operation": _integer,
    "line": _integer,
    "key": _text,
    "holder": _text,
    "expires_at": _moment,
    "revision": _integer,
    "oldest_revision": _integer,
    "reason": _text,
    "until": _moment,
    "parameter": _text,
    "allowed": _texts,
    "versions": _integers,
    "job": _text,
    "role": _text,
    "read": _texts,
    "write": _texts,
}
