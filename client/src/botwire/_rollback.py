"""Taking back what a writer did, and whom a name stands for there. Steps for both clients; nothing here sends."""

from __future__ import annotations

from datetime import datetime

from botwire._call import Pause, Steps
from botwire._models import Rollback, Writer
from botwire._wire import Calls

_PAUSE = 0.5


def writer_of(writer: str | Writer | None, verified: bool | None, token: str | None) -> Writer:
    """The writer that is meant: one of those who gave no name, for None.

    Whether a bare name is a verified one is told by `verified`, and else by whether we have a token: where there are
    tokens, every writer has one.
    """
    if isinstance(writer, Writer):
        return writer
    if writer is not None and not isinstance(writer, str):
        raise TypeError(f"writer is a str, a Writer or None, not {type(writer).__name__}.")
    return Writer(writer or "", (token is not None and bool(writer)) if verified is None else verified)


def rollback(
    calls: Calls, writer: Writer, since: int | datetime | None, prefix: str, dry_run: bool, wait: bool
) -> Steps[Rollback]:
    """Ask for it, and where it becomes a job, wait for its end."""
    done: Rollback = yield calls.rollback(writer, since, prefix, dry_run)
    while wait and done.job is not None and done.state == "running":
        yield Pause(_PAUSE)
        done = yield calls.rollback_job(done.job)
    return done
