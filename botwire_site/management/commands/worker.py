"""`manage.py worker`: what happens in the background. `manage.py serve` starts one; several do no harm."""

import argparse
import logging
import signal
import threading
import time
from typing import Any

from django.core.management.base import BaseCommand
from django.db import Error, connection

from namespaces import removal
from namespaces.errors import DatabaseTrouble

SWEEP_SECONDS = 2.0
TRIM_SECONDS = 3_600.0

logger = logging.getLogger("botwire.worker")


class Command(BaseCommand):
    help = "Remove expired entries, leases and receipts, and trim the change log, until stopped."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--data", metavar="DIR", help="where data and the secret key are kept (BOTWIRE_DATA)")
        parser.add_argument("--once", action="store_true", help="do what is due, and end")

    def handle(self, *, once: bool, **options: Any) -> None:
        if once:
            removal.sweep_leases()
            removal.sweep_receipts()
            self.stdout.write(f"{removal.sweep()} expired entries removed, {removal.trim_all()} changes forgotten.")
            return
        stop = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: stop.set())
        work(stop)


def work(stop: threading.Event) -> None:
    """Sweep every SWEEP_SECONDS and trim every TRIM_SECONDS until `stop`; a database that is away is waited for."""
    trim_at = time.monotonic()
    while not stop.wait(SWEEP_SECONDS):
        try:
            removal.sweep()
            removal.sweep_leases()
            removal.sweep_receipts()
            if time.monotonic() >= trim_at:
                removal.trim_all()
                trim_at = time.monotonic() + TRIM_SECONDS
        except (Error, DatabaseTrouble) as error:
            logger.warning("the background work waits for the database: %s", error)
        finally:
            connection.close_if_unusable_or_obsolete()
