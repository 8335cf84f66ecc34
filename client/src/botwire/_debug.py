"""One log line for each attempt of each call, on the logger "botwire". The token is never among what is logged."""

from __future__ import annotations

import logging
import os
from typing import Any

import httpx

from botwire._call import Call

logger = logging.getLogger("botwire")
logger.addHandler(logging.NullHandler())


def follow_environment() -> None:
    """Where BOTWIRE_DEBUG is 1, let the lines be seen: on stderr, unless the program has a handler of its own."""
    if os.environ.get("BOTWIRE_DEBUG", "") in ("", "0"):
        return
    logger.setLevel(logging.DEBUG)
    if not _has_handler():
        handler = logging.StreamHandler()
        handler.setFormatter(logging.Formatter("%(asctime)s %(name)s %(message)s"))
        logger.addHandler(handler)


def log_attempt(call: Call[Any], outcome: httpx.Response | httpx.RequestError, seconds: float, attempt: int) -> None:
    """Log `PUT http://host/memory/desk/tsla 201 3.2 ms attempt 1`; the status is the trouble if there is no answer."""
    if not logger.isEnabledFor(logging.DEBUG):
        return
    end = outcome.status_code if isinstance(outcome, httpx.Response) else type(outcome).__name__
    logger.debug("%s %s %s %.1f ms attempt %d", call.method, call.url, end, seconds * 1_000, attempt)


def _has_handler() -> bool:
    handlers = [*logger.handlers, *logging.getLogger().handlers]
    return any(not isinstance(handler, logging.NullHandler) for handler in handlers)
