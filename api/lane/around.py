"""What Django puts around an answer, learned by asking it: the headers of its middleware and of the view.

They depend on the scheme and a few headers, and on nothing else of a request that the lane answers; so Django is asked
once for each, and neither a header nor the rule that sets it is written down a second time.
"""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from api.lane.body import PlainHeaders, Scope
from api.lane.django import Django, Response

MOST_KNOWN = 1_000


class Around:
    """Knows what Django answers to a probe, a request that asks no database, for whoever asks."""

    def __init__(
        self,
        django: Django,
        method: str,
        path: bytes,
        *,
        usual: int,
        without: Iterable[bytes] = (),
        deciding: Iterable[bytes] = (b"host", b"x-forwarded-proto"),
    ) -> None:
        """`usual` is the status that the probe should have; headers `without` are left out; `deciding` go with it."""
        self._django = django
        self._probe = {"method": method, "raw_path": path, "query_string": b""}
        self._usual, self._without = usual, frozenset(without)
        self._deciding = tuple(deciding)
        self._known: dict[Any, Response | None] = {}

    async def response(self, scope: Scope, headers: PlainHeaders) -> Response | None:
        """Django's answer to the probe, asked as `scope` asks; None if it is not the usual one."""
        what = (scope["scheme"], *map(headers.get, self._deciding))
        try:
            return self._known[what]
        except KeyError:
            return await self._learn(what, scope)

    async def _learn(self, what: Any, scope: Scope) -> Response | None:
        deciding = [header for header in scope["headers"] if header[0] in self._deciding]
        response = await self._django.ask({**scope, **self._probe, "headers": deciding})
        headers = [header for header in response.headers if header[0] not in self._without]
        if len(self._known) >= MOST_KNOWN:
            self._known.clear()
        self._known[what] = replace(response, headers=headers) if response.status == self._usual else None
        return self._known[what]
