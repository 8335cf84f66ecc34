"""Who may see a namespace, as the clients learn it: what a claim needs, what to warn of, whose word to take.

Nothing here sends anything. What a token may do is decided by the server alone.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Collection
from pathlib import Path
from types import FrameType
from typing import Any

import httpx

from botwire._call import Call
from botwire._models import Entry, Version
from botwire._settings import AUTHORIZATION

CLAIM_CODE = "BotWire-Claim-Code"
_PACKAGE = str(Path(__file__).parent)
_warned: set[tuple[str, str]] = set()


class OpenNamespaceWarning(UserWarning):
    """What was written is open to whoever knows the namespace's name. Told once per process and namespace."""


class Access:
    """What the answers told about a namespace: the code to claim it with, if it was made here, and that it is open."""

    def __init__(self, base_url: str, namespace: str) -> None:
        self._base_url, self._namespace = base_url, namespace
        self.claim_code: str | None = None

    def note(self, call: Call[Any], response: httpx.Response) -> None:
        """Learn from an answer; warn of the first write that was accepted without a token."""
        self.claim_code = response.headers.get(CLAIM_CODE) or self.claim_code
        is_write = response.is_success and not (call.is_read or call.is_claim)
        if is_write and AUTHORIZATION not in response.request.headers:
            self._warn()

    def code_for(self, given: str | None) -> str | None:
        """The claim code that was given, or that was learned."""
        return given if given is not None else self.claim_code

    def _warn(self) -> None:
        place = (self._base_url, self._namespace)
        if place in _warned:
            return
        _warned.add(place)
        warnings.warn(
            f"The namespace {self._namespace} is open: whoever knows its name can read and change it. Memory.create()"
            " makes a private one, and claim_namespace() makes this one private, if it was made here.",
            OpenNamespaceWarning,
            stacklevel=_levels_in_package(),
        )


def _levels_in_package() -> int:
    """The `stacklevel` at which whoever calls this one's caller is first outside of this package."""
    frame: FrameType | None = sys._getframe(1)
    levels = 1
    while frame is not None and frame.f_code.co_filename.startswith(_PACKAGE):
        frame, levels = frame.f_back, levels + 1
    return levels


def trusted(entry: Entry | Version, trust: Collection[str] | None, default: Any) -> Any:
    """The entry's value, or `default` if `trust` is given and no verified writer of these names wrote it."""
    if trust is None:
        return entry.value
    if isinstance(trust, str):
        raise TypeError("trust is a list of writers' names, not one name.")
    is_trusted = entry.writer is not None and entry.writer.verified and entry.writer.name in trust
    return entry.value if is_trusted else default
