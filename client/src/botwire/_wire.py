"""Every request of the HTTP API and what its answer means, once for the sync and the async client.

Nothing here sends anything; `_sync` and `_async` do.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Generic, TypeVar
from urllib.parse import quote

import httpx

from botwire._answers import (
    Members,
    Page,
    read_count,
    read_deleted,
    read_entry,
    read_items,
    read_keys,
    read_set_result,
    read_usage,
)
from botwire._exceptions import InvalidTTLError
from botwire._models import Entry, SetResult, Usage
from botwire._names import check_key, check_prefix
from botwire._problems import refusal, unexpected
from botwire._values import JSONValue, encode_value

T = TypeVar("T")

# Above what any server takes; NaN and infinity are not below it, and so never become JSON.
_BEYOND_ANY_TTL = 1e15


@dataclass(frozen=True, slots=True)
class Call(Generic[T]):
    """One request; `read` makes its result of the members and the status of an answer of 2xx."""

    method: str
    url: str
    read: Callable[[Members, int], T]
    headers: dict[str, str] = field(default_factory=dict)
    content: bytes | None = None

    def result(self, response: httpx.Response) -> T:
        """What the answer says; BotWireAPIError for 4xx and 5xx, UnexpectedAnswerError if it is not BotWire's."""
        if response.is_error:
            raise refusal(response)
        if not response.is_success:
            raise unexpected(response)
        try:
            return self.read(Members(json.loads(response.content)), response.status_code)
        except (ValueError, TypeError, KeyError, RecursionError) as error:
            raise unexpected(response) from error


class Calls:
    """The requests about one namespace of the server at `base_url`. Arguments are checked here, before any is sent."""

    def __init__(self, base_url: str, namespace: str) -> None:
        self._memory = f"{base_url}/memory/{namespace}"
        self._namespace = f"{base_url}/namespaces/{namespace}"

    def set(
        self, key: str, value: JSONValue, ttl: float | timedelta | None, if_version: int | None, if_absent: bool
    ) -> Call[SetResult]:
        headers = {"Content-Type": "application/json", **_condition(if_version, if_absent)}
        return Call("PUT", self._entry(key), read_set_result, headers, _set_body(value, ttl))

    def get_entry(self, key: str) -> Call[Entry]:
        return Call("GET", self._entry(key), read_entry)

    def delete(self, key: str, if_version: int | None) -> Call[bool]:
        return Call("DELETE", self._entry(key), read_deleted, _condition(if_version))

    def exists(self, key: str) -> Call[bool]:
        """Ask for the first of the keys that begin with `key`: it is `key` itself, if that exists. No value travels."""
        url = self._list(check_key(key), limit="1")
        return Call("GET", url, lambda answer, _: key in answer.texts("keys"))

    def keys(self, prefix: str, cursor: str | None = None) -> Call[Page[str]]:
        return Call("GET", self._list(prefix, cursor), read_keys)

    def items(self, prefix: str, cursor: str | None = None) -> Call[Page[tuple[str, Any]]]:
        return Call("GET", self._list(prefix, cursor, include="values"), read_items)

    def clear(self, prefix: str) -> Call[int]:
        return Call("DELETE", self._list(prefix), read_count)

    def usage(self) -> Call[Usage]:
        return Call("GET", self._namespace, read_usage)

    def _entry(self, key: str) -> str:
        return f"{self._memory}/{quote(check_key(key), safe='')}"

    def _list(self, prefix: str, cursor: str | None = None, **parameters: str) -> str:
        given = {"prefix": check_prefix(prefix), "cursor": cursor, **parameters}
        query = "&".join(f"{name}={quote(text, safe='')}" for name, text in given.items() if text)
        return f"{self._memory}?{query}" if query else self._memory


def _set_body(value: JSONValue, ttl: float | timedelta | None) -> bytes:
    body = b'{"value":' + encode_value(value)
    return body + (b"}" if ttl is None else b',"ttl":' + _seconds(ttl).encode() + b"}")


def _seconds(ttl: float | timedelta) -> str:
    seconds = ttl.total_seconds() if isinstance(ttl, timedelta) else ttl
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        raise TypeError(f"ttl is a number of seconds or a timedelta, not {type(ttl).__name__}.")
    if not abs(seconds) < _BEYOND_ANY_TTL:
        raise InvalidTTLError(
            f"ttl is a number of seconds, below {_BEYOND_ANY_TTL:g}; leave it out for an entry that stays."
        )
    return json.dumps(int(seconds) if seconds == int(seconds) else seconds)


def _condition(if_version: int | None, if_absent: bool = False) -> dict[str, str]:
    if if_version is None:
        return {"If-None-Match": "*"} if if_absent else {}
    if if_absent:
        raise ValueError("if_version and if_absent exclude each other: an absent key has no version.")
    if isinstance(if_version, bool) or not isinstance(if_version, int):
        raise TypeError(f"if_version is the int that an entry's version is, not {type(if_version).__name__}.")
    return {"If-Match": f'"{int(if_version)}"'}
