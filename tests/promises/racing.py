"""Writers in processes of their own, let go in the same moment. What each of them does is its test's own matter.

The processes come from a fork server, which has the costly imports done, so that starting one is cheap. A function that
they run lives at the top of a module that imports neither Django nor a conftest.
"""

import multiprocessing
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import dataclass
from multiprocessing.synchronize import Barrier
from typing import Any, TypeVar

import httpx

T = TypeVar("T")

# Limits that a race can reach, of the servers that tests/promises/conftest.py makes.
BYTES = 20_000
NEW_NAMESPACES = 10

REQUEST_SECONDS = 30
MOST_ATTEMPTS = 5
MEET_SECONDS = 60
RACE_SECONDS = 120


@dataclass(frozen=True)
class Racer:
    """One writer: its number from 0 on, its way to the server, and `meet`, which returns once every racer called it."""

    number: int
    client: httpx.Client
    meet: Callable[[], object]


class PatientTransport(httpx.HTTPTransport):
    """Does as 503 `database_unavailable` says: nothing was written, so the same is sent again after Retry-After."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        for _ in range(MOST_ATTEMPTS):
            response = super().handle_request(request)
            response.read()
            if response.status_code != 503 or response.json()["code"] != "database_unavailable":
                break
            time.sleep(int(response.headers["Retry-After"]))
        return response


def client_of(url: str, address: str | None = None) -> httpx.Client:
    """A client for the server at `url`, seen there as coming from `address` (any of 127.0.0.0/8)."""
    transport = PatientTransport(local_address=address, verify=False)
    return httpx.Client(base_url=url, timeout=REQUEST_SECONDS, transport=transport, trust_env=False)


def race(
    work: Callable[..., T],
    url: str,
    *arguments: object,
    processes: int = 8,
    threads: int = 8,
    address: str | None = None,
    seconds: float = RACE_SECONDS,
) -> list[T]:
    """What `work(racer, *arguments)` returned to each of processes x threads racers, in the order of their numbers."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["__main__", "httpx", "psycopg"])
    barrier = context.Barrier(processes * threads, timeout=MEET_SECONDS)
    shares = [range(first, first + threads) for first in range(0, processes * threads, threads)]
    with ProcessPoolExecutor(processes, context, _enter, (barrier,)) as pool:
        results = [pool.submit(_race_in_threads, share, work, url, address, arguments) for share in shares]
        return [result for share in results for result in share.result(seconds)]


_barrier: Barrier


def _enter(barrier: Barrier) -> None:
    global _barrier
    _barrier = barrier


def _race_in_threads(
    share: range, work: Callable[..., T], url: str, address: str | None, arguments: tuple[Any, ...]
) -> list[T]:
    def run(number: int) -> T:
        try:
            _barrier.wait()
            return work(Racer(number, client, _barrier.wait), *arguments)
        except BaseException:
            _barrier.abort()  # the others would wait in vain
            raise

    with client_of(url, address) as client, ThreadPoolExecutor(len(share)) as pool:
        return list(pool.map(run, share))


def outcome_of(response: httpx.Response) -> tuple[int, str | None]:
    """The status of an answer, with its code if it is a refusal."""
    return response.status_code, None if response.is_success else response.json()["code"]
