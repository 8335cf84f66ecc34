"""What a request for an entry waits for, and whether that has come. How it is waited is decided in `api.lane.held`."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from api.conditional import names_tag
from api.refusals import RequestRefused
from api.rendering import etag
from api.requests import wait_of
from namespaces.errors import InvalidJSON, JSONTooDeep, Refusal
from namespaces.jsonequality import comparable
from namespaces.jsontext import JSONText
from namespaces.reading import Remembered

OUTCOME = "BotWire-Wait"
FULFILLED = {OUTCOME: "fulfilled"}
TIMEOUT = {OUTCOME: "timeout"}


@dataclass(frozen=True, slots=True)
class Awaited:
    """What is waited for, `seconds` at most: a value, another version, both, or that there is an entry at all."""

    seconds: int
    none_match: str | None
    has_value: bool
    value: Any

    def may_be(self, entry: Remembered | None) -> bool:
        """Whether this is it, but for the value, which takes longer to compare."""
        if entry is None:
            return self.none_match is not None and not self.has_value
        return self.none_match is None or not names_tag(self.none_match, etag(entry.version))

    def is_met_by(self, entry: Remembered | None) -> bool:
        """Whether this is it."""
        if not self.may_be(entry):
            return False
        return entry is None or not self.has_value or bool(comparable(entry.value) == self.value)


def awaited_in(parameters: dict[str, str], none_match: str | None) -> Awaited | None:
    """What the parameters `wait` and `equals` and the header If-None-Match ask to wait for; None without `wait`."""
    seconds = wait_of(parameters)
    if "equals" not in parameters:
        return None if seconds is None else Awaited(seconds, none_match, has_value=False, value=None)
    if seconds is None:
        raise RequestRefused(
            "invalid_parameter", "equals is there to be waited for: give wait too.", parameter="equals"
        )
    return Awaited(seconds, none_match, has_value=True, value=_value_in(parameters["equals"]))


def _value_in(text: str) -> Any:
    try:
        return comparable(JSONText.parse(text).text)
    except (InvalidJSON, JSONTooDeep) as error:
        message = f"equals is the text of one JSON value, percent-encoded. {error}"
        raise RequestRefused("invalid_parameter", message, parameter="equals") from None


@contextmanager
def telling_outcome(headers: dict[str, str], parameters: dict[str, str], not_yet: type[Refusal]) -> Iterator[None]:
    """Add to `headers` how a wait ended that `parameters` ask for, by whether what is done within raises `not_yet`."""
    is_wait = wait_of(parameters) is not None
    try:
        yield
    except not_yet:
        headers |= TIMEOUT if is_wait else {}
        raise
    headers |= FULFILLED if is_wait else {}


def outcome_of(awaited: Awaited | None, entry: Remembered | None) -> dict[str, str]:
    """The header that says how a wait that is over ended; none where nobody waited."""
    if awaited is None:
        return {}
    return FULFILLED if awaited.is_met_by(entry) else TIMEOUT
