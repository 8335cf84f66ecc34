"""Where the server is and how to talk to it: arguments, environment and defaults, checked when a client is made.

The one place that configures httpx.
"""

from __future__ import annotations

import functools
import math
import os
import ssl
from dataclasses import dataclass, field, replace
from importlib.metadata import version
from typing import Any

import httpx

from botwire._names import quote_agent

__version__ = version("botwire")

AUTHORIZATION = "Authorization"
_BEARER = "Bearer "
HOSTED = "https://botwire.dev"
TIMEOUT = 15.0
RETRIES = 3

_LONGEST_CONNECT = 5.0
# Of one Memory in one process, or of one AsyncMemory in one event loop.
MOST_CONNECTIONS = 32
# Below the server's 75 s, so that a connection is not used in the moment that the server closes it.
_LIMITS = httpx.Limits(
    max_connections=MOST_CONNECTIONS, max_keepalive_connections=MOST_CONNECTIONS, keepalive_expiry=30.0
)


@dataclass(frozen=True)
class Settings:
    """The checked settings of one client. `timeout` is in seconds, `retries` the attempts after the first.

    `headers` may hold the token, so that no repr shows them.
    """

    base_url: str
    headers: dict[str, str] = field(repr=False)
    timeout: float
    retries: int
    agent: str | None = None

    @property
    def token(self) -> str | None:
        """The token that is sent; None without one."""
        return self.headers[AUTHORIZATION].removeprefix(_BEARER) if AUTHORIZATION in self.headers else None

    def with_token(self, token: str) -> Settings:
        """The same settings with another token."""
        return replace(self, headers={**self.headers, AUTHORIZATION: _BEARER + _token(token)})

    @classmethod
    def of(cls, base_url: str | None, token: str | None, agent: str | None, timeout: float, retries: int) -> Settings:
        """Fill in environment and defaults. Raises ValueError or TypeError for what can not work."""
        return cls(_base_url(base_url), _headers(token, agent), _timeout(timeout), _retries(retries), agent)

    def options(self) -> dict[str, Any]:
        """The arguments for httpx.Client and httpx.AsyncClient."""
        return {
            "headers": self.headers,
            "timeout": self.timeout_of(0),
            "limits": _LIMITS,
            "follow_redirects": False,
            "verify": _tls(),
        }

    def timeout_of(self, wait: int) -> httpx.Timeout:
        """The timeout of a request whose answer the server may hold for `wait` seconds."""
        return httpx.Timeout(self.timeout, read=self.timeout + wait, connect=min(self.timeout, _LONGEST_CONNECT))


@functools.cache
def _tls() -> ssl.SSLContext:
    """One for the process: reading the certificates takes about 20 ms, which is more than a call."""
    return httpx.create_ssl_context()


def _base_url(given: str | None) -> str:
    text = (given if given is not None else os.environ.get("BOTWIRE_URL", "")) or HOSTED
    try:
        url = httpx.URL(text)
    except httpx.InvalidURL as error:
        raise ValueError(f"base_url {text!r} is not a URL: {error}.") from None
    if url.scheme not in ("http", "https") or not url.host:
        raise ValueError(f"base_url is like https://botwire.dev or http://localhost:8000, not {text!r}.")
    if url.userinfo or url.query or url.fragment:
        raise ValueError("base_url has no user, password, query or fragment; a token goes into token=...")
    return text.rstrip("/")


def _headers(token: str | None, agent: str | None) -> dict[str, str]:
    headers = {"Accept": "application/json", "User-Agent": f"botwire-python/{__version__}"}
    if token is not None:
        headers[AUTHORIZATION] = _BEARER + _token(token)
    if agent is not None:
        headers["X-BotWire-Agent"] = quote_agent(agent)
    return headers


def _token(token: str) -> str:
    """Checked here, because httpx would show a token that it can not send in the message of its exception."""
    if not isinstance(token, str):
        raise TypeError(f"token is a str, not {type(token).__name__}.")
    if not token or not token.isascii() or not token.isprintable() or " " in token:
        raise ValueError("token is not a token: it is empty, or has characters that no token has.")
    return token


def _timeout(timeout: float) -> float:
    if isinstance(timeout, bool) or not isinstance(timeout, int | float):
        raise TypeError(f"timeout is a number of seconds, not {type(timeout).__name__}.")
    if not 0 < timeout < math.inf:
        raise ValueError(f"timeout is a number of seconds above 0, not {timeout}; there is always one.")
    return float(timeout)


def _retries(retries: int) -> int:
    if isinstance(retries, bool) or not isinstance(retries, int):
        raise TypeError(f"retries is an int, not {type(retries).__name__}.")
    if retries < 0:
        raise ValueError(f"retries is 0 (none) or more, not {retries}.")
    return retries
