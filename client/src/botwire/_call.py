"""One request and what its answer means. Which there are is in `_wire`; `_sync` and `_async` send them."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from typing import Any, Generic, TypeAlias, TypeVar

import httpx

from botwire._answers import Members
from botwire._problems import refusal, unexpected

T = TypeVar("T")

IDEMPOTENCY_KEY = "Idempotency-Key"
_NOT_MODIFIED = 304


@dataclass(frozen=True, slots=True)
class Call(Generic[T]):
    """One request; `read` makes its result of the members and the status of an answer of 2xx.

    `wait` is for how many seconds the server may hold the answer. `unchanged` makes the result of an answer of 304,
    where the request asks for one. `is_harmless` tells that a write may be repeated although it carries no
    Idempotency-Key: twice does what once does. `is_claim` tells that it makes a namespace private.
    """

    method: str
    url: str
    read: Callable[[Members, int], T]
    headers: dict[str, str] = field(default_factory=dict)
    content: bytes | None = None
    wait: int = 0
    unchanged: Callable[[], T] | None = None
    is_harmless: bool = False
    is_claim: bool = False

    @property
    def is_read(self) -> bool:
        return self.method == "GET"

    @property
    def is_repeatable(self) -> bool:
        """Whether to send it again after a lost answer has the effect of sending it once."""
        return self.is_read or self.is_harmless or IDEMPOTENCY_KEY in self.headers

    def result(self, response: httpx.Response) -> T:
        """What the answer says; BotWireAPIError for 4xx and 5xx, UnexpectedAnswerError if it is not BotWire's."""
        if response.is_error:
            raise refusal(response)
        if response.status_code == _NOT_MODIFIED and self.unchanged:
            return self.unchanged()
        if not response.is_success:
            raise unexpected(response)
        try:
            return self.read(Members(json.loads(response.content)), response.status_code)
        except (ValueError, TypeError, KeyError, RecursionError) as error:
            raise unexpected(response) from error


@dataclass(frozen=True, slots=True)
class Pause:
    """A step that is no request: to do nothing for so many seconds."""

    seconds: float


#: What several requests make together, written once for both clients: it yields calls and pauses, is sent the calls'
#: results (or thrown their exceptions), and returns the result of the whole.
Steps: TypeAlias = Generator[Call[Any] | Pause, Any, T]


def idempotent() -> dict[str, str]:
    """The header that makes a write repeatable: the server does it once, however often it comes with this key."""
    return {IDEMPOTENCY_KEY: secrets.token_hex(16)}
