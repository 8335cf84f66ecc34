"""Measures waiting on a server that runs: how soon many waiters wake after a write, and what they cost the reads.

    uv run manage.py serve --workers 2 &
    uv run python benchmarks/waiting.py http://127.0.0.1:8000 --waiters 1000

Everything is measured from one process on the same machine, so its own work is in the figures. The server has to allow
as many waiters of one address. Only loopback is measured honestly; nothing here is part of the test suite.
"""

import argparse
import asyncio
import json
import secrets
import statistics
import time

READ_SECONDS = 3.0
READERS = 8


async def ask(host: str, port: int, method: str, path: str, body: bytes = b"") -> tuple[asyncio.StreamReader, object]:
    reader, writer = await asyncio.open_connection(host, port)
    head = f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
    return reader, writer


async def answer_of(reader: asyncio.StreamReader) -> bytes:
    """One answer: its head and its body."""
    head = await reader.readuntil(b"\r\n\r\n")
    length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
    return head + await reader.readexactly(int(length.partition(b":")[2]))


async def put(host: str, port: int, path: str, value: object) -> float:
    """Write, and return when the answer came."""
    reader, writer = await ask(host, port, "PUT", path, json.dumps({"value": value}).encode())
    answer = await answer_of(reader)
    answered = time.perf_counter()
    writer.close()  # type: ignore[attr-defined]
    assert answer.startswith((b"HTTP/1.1 200", b"HTTP/1.1 201")), answer
    return answered


async def reads_per_second(host: str, port: int, path: str) -> float:
    """How fast READERS clients with a connection each read one key."""
    end = time.perf_counter() + READ_SECONDS
    counts = await asyncio.gather(*(_read_until(end, host, port, path) for _ in range(READERS)))
    return sum(counts) / READ_SECONDS


async def _read_until(end: float, host: str, port: int, path: str) -> int:
    reader, writer = await ask(host, port, "GET", path)
    await answer_of(reader)
    request, count = f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode(), 0
    while time.perf_counter() < end:
        writer.write(request)  # type: ignore[attr-defined]
        await answer_of(reader)
        count += 1
    writer.close()  # type: ignore[attr-defined]
    return count


async def woken(host: str, port: int, path: str) -> float:
    """Wait for a key, and return when the answer came."""
    reader, writer = await ask(host, port, "GET", f"{path}?wait=55")
    answer = await answer_of(reader)
    came = time.perf_counter()
    writer.close()  # type: ignore[attr-defined]
    assert answer.startswith(b"HTTP/1.1 200"), answer
    return came


async def measure(host: str, port: int, waiters: int, rounds: int) -> None:
    space = f"/memory/bench-{secrets.token_hex(6)}"
    await put(host, port, f"{space}/read", 1)
    ratios = []
    one_by_one: list[float] = []
    at_once: list[float] = []
    for number in range(rounds):
        alone = await reads_per_second(host, port, f"{space}/read")
        keys = [f"{space}/r{number}-{waiter}" for waiter in range(waiters)]
        waiting = [asyncio.create_task(woken(host, port, key)) for key in keys]
        await asyncio.sleep(2)
        beside = await reads_per_second(host, port, f"{space}/read")
        ratios.append(beside / alone)
        for key, task in list(zip(keys, waiting, strict=True))[:100]:
            answered = await put(host, port, key, number)
            one_by_one.append(await task - answered)
        print(f"round {number + 1}: reads {alone:,.0f}/s alone, {beside:,.0f}/s beside {waiters:,} waiters")
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        await asyncio.sleep(1)

        waiting = [asyncio.create_task(woken(host, port, f"{space}/all{number}")) for _ in range(waiters)]
        await asyncio.sleep(2)
        answered = await put(host, port, f"{space}/all{number}", number)
        at_once += [came - answered for came in await asyncio.gather(*waiting)]
    tell(f"one of {waiters:,} waiters woken by each write", one_by_one)
    tell(f"{waiters:,} waiters woken by one write", at_once)
    print(f"reads beside {waiters:,} waiters: {statistics.median(ratios):.0%} of their speed without (median)")


def tell(what: str, delays: list[float]) -> None:
    centiles = statistics.quantiles(delays, n=100, method="inclusive")
    print(f"{what}: p50 {centiles[49] * 1000:.1f} ms, p99 {centiles[98] * 1000:.1f} ms after the write's answer")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("url")
    parser.add_argument("--waiters", type=int, default=1_000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    host, _, port = options.url.removeprefix("http://").rstrip("/").partition(":")
    asyncio.run(measure(host, int(port or 80), options.waiters, options.rounds))


if __name__ == "__main__":
    main()
