"""`manage.py worker`: what happens in the background. `manage.py serve` starts one; several do no harm."""

import argparse
import logging
import signal
import threading
import time
from typing import Any

from django.core.management.base import BaseCommand
from django.db import Error, connection

from namespaces import biggest, purging, removal, rollback_jobs, standing
from namespaces.errors import DatabaseTrouble
from namespaces.models import PurgeJob

IDLE_SECONDS = 0.5
SWEEP_SECONDS = 2.0
TRIM_SECONDS = 60.0
HOURLY_SECONDS = 3_600.0

logger = logging.getLogger("botwire.worker")


class Command(BaseCommand):
    help = (
        "Remove what has expired, trim the change log, purge, roll back, and keep the operators' lists up to date, "
        "until stopped."
    )

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--data", metavar="DIR", help="where data and the secret key are kept (BOTWIRE_DATA)")
        parser.add_argument("--once", action="store_true", help="do what is due, and end")

    def handle(self, *, once: bool, **options: Any) -> None:
        if once:
            removal.sweep_leases()
            removal.sweep_tokens()
            removal.sweep_receipts()
            batches = sum(1 for _ in iter(lambda: purging.advance(PurgeJob.Driver.WORKER), False))
            rolled_back = sum(1 for _ in iter(rollback_jobs.advance, False))
            self.stdout.write(
                f"{removal.sweep()} expired entries removed, {removal.trim_all()} changes forgotten, "
                f"{batches} batches purged, {rolled_back} batches rolled back."
            )
            self.stdout.write(f"{standing.refresh_all()} namespaces put in their place in the operators' lists.")
            self.stdout.write(f"{biggest.look_at_all()} large namespaces searched for their biggest keys.")
            return
        stop = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: stop.set())
        work(stop)


def work(stop: threading.Event) -> None:
    """Sweep every SWEEP_SECONDS, trim what is overfull every TRIM_SECONDS, do the rest every HOURLY_SECONDS.

    Purges and rollbacks go on in between, until `stop`.

    A database that is away is waited for.
    """
    sweep_at = trim_at = hourly_at = time.monotonic()
    pause, pace, rollback_pace = IDLE_SECONDS, purging.Pace(), rollback_jobs.RollbackPace()
    while not stop.wait(pause):
        pause = IDLE_SECONDS
        try:
            if time.monotonic() >= sweep_at:
                removal.sweep()
                removal.sweep_leases()
                removal.sweep_tokens()
                removal.sweep_receipts()
                sweep_at = time.monotonic() + SWEEP_SECONDS
            if time.monotonic() >= trim_at:
                removal.trim_overfull()
                trim_at = time.monotonic() + TRIM_SECONDS
            if time.monotonic() >= hourly_at:
                standing.refresh_all()
                biggest.look_at_all()
                removal.trim_all()
                hourly_at = time.monotonic() + HOURLY_SECONDS
            if purging.advance(PurgeJob.Driver.WORKER, pace):
                pause = pace.rest
            if rollback_jobs.advance(rollback_pace):
                pause = min(pause, rollback_pace.rest)
        except (Error, DatabaseTrouble) as error:
            logger.warning("the background work waits for the database: %s", error)
        finally:
            connection.close_if_unusable_or_obsolete()
