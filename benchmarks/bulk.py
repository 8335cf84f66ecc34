"""Fills a BotWire database with many entries, fast: rows through the models in bulk, as if each had been set once.

`uv run python -m benchmarks.bulk --data DIR --namespaces 100 --entries 10000` (or with DATABASE_URL). What it writes is
consistent: counters, usage and versions are those of the rows. It is for benchmarks: it checks no limit, and of the
change log it leaves the newest LOGGED of each namespace, as if the rest had been trimmed.
"""

import argparse
import os
import random
import string
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar

from benchmarks.ground import ROOT, clean_environment
from benchmarks.progress import Progress

if TYPE_CHECKING:
    from benchmarks.peers import BotWireOnSQLite

CHUNK = 10_000
LOGGED = 10
T = TypeVar("T")


def place(namespace: int, entry: int) -> tuple[str, str]:
    """The names of a namespace and of a key in it, by number."""
    return f"bulk-{namespace:06}", f"key-{entry:08}"


def load_for(peer: "BotWireOnSQLite", namespaces: int, entries: int, *, value_bytes: int) -> None:
    """Fill the database of a server that is not running; OSError if that fails."""
    command = [sys.executable, "-m", "benchmarks.bulk", "--namespaces", str(namespaces), "--entries", str(entries)]
    command += ["--value-bytes", str(value_bytes), "--quiet"]
    environment = {**clean_environment(), **peer.environment()}
    ended = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)  # noqa: S603 - our own
    if ended.returncode:
        raise OSError(f"the data could not be loaded:\n{ended.stderr[-2000:]}")


def load(namespaces: int, entries: int, *, value_bytes: int, now: datetime, progress: Progress) -> None:
    """Write `namespaces` namespaces of `entries` entries each, into tables that have none of them."""
    from namespaces.models import Change, DailyUsage, Entry, Namespace

    values = _Values(value_bytes)
    size = len(place(0, 0)[1]) + value_bytes + 2
    logged = min(LOGGED, entries)
    born = {"created_at": now, "last_write_at": now, "created_from": "127.0.0.1"}
    counters = {"revision": entries, "entries": entries, "bytes": entries * size}
    counters |= {"trimmed_revision": entries - logged, "log_bytes": logged * size}
    names = [place(number, 0)[0] for number in range(namespaces)]
    _insert(Namespace, (Namespace(name=name, **counters, **born) for name in names))
    usage = {"day": now.date(), "writes": entries, "bytes_written": entries * size}
    _insert(DailyUsage, (DailyUsage(namespace_id=name, **usage) for name in names))

    def entry(number: int, index: int) -> Entry:
        name, key = place(number, index)
        written = {"version": index + 1, "created_at": now, "updated_at": now, "value": values.of(number, index)}
        return Entry(namespace_id=name, key=key, bytes=size, **written)

    def change(number: int, index: int) -> Change:
        name, key = place(number, index)
        logged = {"revision": index + 1, "kind": Change.Kind.SET, "at": now, "value": values.of(number, index)}
        return Change(namespace_id=name, key=key, bytes=size, **logged)

    _insert(Entry, (entry(n, i) for n in range(namespaces) for i in range(entries)), progress)
    _insert(Change, (change(n, i) for n in range(namespaces) for i in range(entries - logged, entries)))


class _Values:
    """JSON texts of one size, different for each entry and the same whenever asked: pieces of one long text."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._text = "".join(random.choices(string.ascii_letters, k=size + 100_003))  # noqa: S311 - not for secrets

    def of(self, namespace: int, entry: int) -> str:
        start = (namespace * 7_919 + entry * 31) % 100_003
        return f'"{self._text[start : start + self._size]}"'


def _insert(model: Any, rows: Iterator[Any], progress: Progress | None = None) -> None:
    for chunk in _chunks(rows):
        model.objects.bulk_create(chunk)
        if progress:
            progress.step()
            progress.say("entries, in tens of thousands")


def _chunks(rows: Iterator[T]) -> Iterator[list[T]]:
    while chunk := list(islice(rows, CHUNK)):
        yield chunk


def settle() -> None:
    """Have the database tidy up now what it would else tidy up while something is measured."""
    from django.db import connection

    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("VACUUM (ANALYZE)")
            cursor.execute("CHECKPOINT")
        else:
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def main() -> None:
    """Read the command line, prepare the tables, fill them."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.bulk", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", metavar="DIR", help="BotWire's data folder (BOTWIRE_DATA), without DATABASE_URL")
    parser.add_argument("--namespaces", type=int, default=100, help="default: %(default)s")
    parser.add_argument("--entries", type=int, default=100, help="entries of each; default: %(default)s")
    parser.add_argument("--value-bytes", type=int, default=1024, help="default: %(default)s")
    parser.add_argument("--quiet", action="store_true", help="show no progress")
    given = parser.parse_args()
    if given.data:
        os.environ["BOTWIRE_DATA"] = os.path.abspath(given.data)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "botwire_site.settings")

    import django
    from django.core.management import call_command
    from django.utils import timezone

    django.setup()
    call_command("migrate", verbosity=0, interactive=False)
    total = -(-given.namespaces * given.entries // CHUNK)
    progress = Progress(total, None if given.quiet else sys.stderr)
    load(given.namespaces, given.entries, value_bytes=given.value_bytes, now=timezone.now(), progress=progress)
    progress.end()
    settle()


if __name__ == "__main__":
    main()
