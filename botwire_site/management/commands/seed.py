"""`manage.py seed`: fills a database with namespaces and entries, to see what the pages do at that size."""

import argparse
import time
from collections.abc import Callable
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from namespaces import seeding
from namespaces.models import Namespace

WIDTH = 40


class Command(BaseCommand):
    help = (
        "Fill the database with namespaces to try the operators' pages with. It may be stopped: run again with the "
        "same numbers, it goes on, and once all is there adds nothing."
    )

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--entries", type=int, default=1_000_000, help="default: %(default)s")
        parser.add_argument("--namespaces", type=int, default=10_000, help="default: %(default)s")
        parser.add_argument("--largest", type=int, help="entries of the largest namespace (a fifth of all)")
        parser.add_argument("--data", metavar="DIR", help="where data and the secret key are kept (BOTWIRE_DATA)")
        parser.add_argument("--beside-others", action="store_true", help="also where there are other namespaces")

    def handle(
        self, *, entries: int, namespaces: int, largest: int | None, beside_others: bool, **options: Any
    ) -> None:
        largest = entries // 5 if largest is None else largest
        if namespaces == 1:
            largest = entries
        if namespaces < 1 or largest < 1 or entries < largest + namespaces - 1:
            raise CommandError("Every namespace has at least one entry: raise --entries, or lower the others.")
        planned = seeding.plan(entries, namespaces, largest)
        if not beside_others and _has_others(planned):
            raise CommandError("There are other namespaces in this database; --beside-others says that you mean it.")
        before = Namespace.objects.count()
        progress = Progress(entries, self._draw)
        for added in seeding.make(planned):
            progress.advance(added)
        seeding.settle()
        self.stdout.write("")
        self.stdout.write(f"{Namespace.objects.count() - before:,} of {namespaces:,} namespaces added.")

    def _draw(self, line: str) -> None:
        self.stdout.write(line, ending="\r" if self.stdout.isatty() else "\n")
        self.stdout.flush()


def _has_others(planned: list[seeding.Planned]) -> bool:
    own = {one.name for one in planned}
    return any(name not in own for name in Namespace.objects.values_list("name", flat=True).iterator())


class Progress:
    """A bar that is drawn whenever another percent is done."""

    def __init__(self, total: int, draw: Callable[[str], None]) -> None:
        self.total, self.done, self._draw = total, 0, draw
        self._began = time.monotonic()

    def advance(self, number: int) -> None:
        before = self.done * 100 // self.total
        self.done += number
        if (percent := self.done * 100 // self.total) > before:
            self._draw(self._line(percent))

    def _line(self, percent: int) -> str:
        took = time.monotonic() - self._began
        bar = ("#" * (percent * WIDTH // 100)).ljust(WIDTH, ".")
        left = took * (self.total - self.done) / self.done
        return f"[{bar}] {percent:3} %  {self.done:,} of {self.total:,} entries, {left:,.0f} s left "
