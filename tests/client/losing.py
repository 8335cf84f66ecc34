"""Transports that lose answers: the server has done what it was asked, and the client does not hear of it."""

import httpx


class Losing(httpx.BaseTransport):
    """Loses the answers to the first `times` of each run of requests that are not reads; `lost` counts them."""

    def __init__(self, times: int = 1) -> None:
        self.lost = 0
        self.times = times
        self._transport = httpx.HTTPTransport()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        response = self._transport.handle_request(request)
        if request.method == "GET" or self.lost >= self.times:
            return response
        response.read()
        response.close()
        self.lost += 1
        raise httpx.ReadError("The connection broke off.", request=request)

    def close(self) -> None:
        self._transport.close()


class AsyncLosing(httpx.AsyncBaseTransport):
    """The same for asyncio."""

    def __init__(self, times: int = 1) -> None:
        self.lost = 0
        self.times = times
        self._transport = httpx.AsyncHTTPTransport()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        response = await self._transport.handle_async_request(request)
        if request.method == "GET" or self.lost >= self.times:
            return response
        await response.aread()
        await response.aclose()
        self.lost += 1
        raise httpx.ReadError("The connection broke off.", request=request)

    async def aclose(self) -> None:
        await self._transport.aclose()
