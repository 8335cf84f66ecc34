"""What Django puts around an answer, learned by asking it: the headers of its middleware and of the view.

They depend on the scheme and the headers in `_DECIDING`, and on nothing else of a request that the lane answers; so
Django is asked once for each, and neither a header nor the rule that sets it is written down a second time.
"""

from typing import Any

from api.lane.body import Scope
from api.lane.django import Django, Headers, Response
from api.lane.requests import PlainHeaders

MOST_KNOWN = 1_000
_DECIDING = (b"host", b"x-forwarded-proto")
_OF_THE_ANSWER_ITSELF = {b"content-type", b"content-length"}


class Around:
    """Knows the headers for the answers of one address, from `probe`, a request there that asks no database."""

    def __init__(self, django: Django, method: str, path: bytes, status: int) -> None:
        self._django = django
        self._probe = {"method": method, "raw_path": path}
        self._status = status
        self._known: dict[Any, Response | None] = {}

    async def response(self, scope: Scope, headers: PlainHeaders) -> Response | None:
        """Django's answer to the probe, asked as `scope` asks; None if it is not the usual one."""
        what = (scope["scheme"], *(headers.get(name) for name in _DECIDING))
        if what not in self._known:
            if len(self._known) >= MOST_KNOWN:
                self._known.clear()
            deciding = [header for header in scope["headers"] if header[0] in _DECIDING]
            response = await self._django.ask({**scope, **self._probe, "query_string": b"", "headers": deciding})
            self._known[what] = response if response.status == self._status else None
        return self._known[what]

    async def headers(self, scope: Scope, headers: PlainHeaders) -> Headers | None:
        """The headers to put around an answer; None if Django would not give the usual one."""
        response = await self.response(scope, headers)
        if response is None:
            return None
        return [header for header in response.headers if header[0] not in _OF_THE_ANSWER_ITSELF]
