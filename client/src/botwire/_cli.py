"""The command `botwire`: the verbs of Memory for shells and pipes, JSON in and JSON out.

What it says and how it ends is decided here; how its commands are called is in `_cli_arguments`.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import warnings
from argparse import Namespace
from collections.abc import Callable, Iterable
from dataclasses import asdict
from typing import Any

from botwire._access import OpenNamespaceWarning
from botwire._cli_arguments import parse
from botwire._exceptions import (
    BotWireAPIError,
    BotWireConnectionError,
    BotWireError,
    LeaseHeldError,
    LeaseLostError,
    UnexpectedAnswerError,
    WaitTimeoutError,
)
from botwire._models import ImportResult, SharedToken
from botwire._sync import Memory

FOUND, NOT_THERE, USAGE, REFUSED, NO_CONNECTION = range(5)
INTERRUPTED = 130


def main(arguments: list[str] | None = None) -> int:
    """Do what the command line says and return the exit status."""
    given = parse(arguments)
    warnings.simplefilter("ignore", OpenNamespaceWarning)  # each command is a process, and would say it again
    try:
        with Memory(
            given.namespace, base_url=given.url, token=given.token, agent=given.agent, timeout=given.patience
        ) as memory:
            status = COMMANDS[given.command](memory, given)
        sys.stdout.flush()
    except BrokenPipeError:
        return _end_quietly()
    except KeyboardInterrupt:
        return INTERRUPTED
    except (BotWireError, ValueError, TypeError, OSError) as error:
        print(f"botwire: {error}", file=sys.stderr)  # noqa: T201 - this is what it is for
        return _status_of(error)
    return status


def _status_of(error: Exception) -> int:
    if isinstance(error, WaitTimeoutError | LeaseHeldError):
        return NOT_THERE
    if isinstance(error, BotWireConnectionError | UnexpectedAnswerError):
        return NO_CONNECTION
    if isinstance(error, BotWireAPIError) and error.status is not None:
        return REFUSED
    return REFUSED if isinstance(error, LeaseLostError) else USAGE


def _end_quietly() -> int:
    """Whoever read our output has enough of it. Nothing is left to be flushed into a closed pipe at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 128 + signal.SIGPIPE


# --- commands


def _get(memory: Memory, given: Namespace) -> int:
    entries = memory.get_many(given.keys) if len(given.keys) > 1 else None
    if entries is not None:
        _show(entries)
        return FOUND if len(entries) == len(set(given.keys)) else NOT_THERE
    missing = object()
    value = memory.get(given.keys[0], missing)
    if value is missing:
        return NOT_THERE
    _show(value, given.raw)
    return FOUND


def _set(memory: Memory, given: Namespace) -> int:
    value = _value(given)
    result = memory.set(given.key, value, ttl=given.ttl, if_version=given.if_version, if_absent=given.if_absent)
    _show({"version": result.version, "created": result.created})
    return FOUND


def _delete(memory: Memory, given: Namespace) -> int:
    if given.if_version is not None:
        return FOUND if memory.delete(given.keys[0], if_version=given.if_version) else NOT_THERE
    return FOUND if memory.delete_many(given.keys) == len(set(given.keys)) else NOT_THERE


def _list(memory: Memory, given: Namespace) -> int:
    status = NOT_THERE
    rows: Iterable[Any] = memory.items(given.prefix) if given.values else memory._each(memory._calls.keys, given.prefix)
    for row in rows:
        _show(list(row)) if given.values else _print(row if given.raw else _json(row))
        status = FOUND
    return status


def _append(memory: Memory, given: Namespace) -> int:
    _show(memory.append(given.key, _value(given), max_length=given.max_length, ttl=given.ttl))
    return FOUND


def _increment(memory: Memory, given: Namespace) -> int:
    _show(memory.increment(given.key, given.by, initial=given.initial))
    return FOUND


def _wait(memory: Memory, given: Namespace) -> int:
    condition = {"after": given.after} if given.equals is None else {"equals": _parsed(given.equals, "--equals")}
    _show(memory.wait(given.key, timeout=given.timeout, **condition), given.raw)
    return FOUND


def _watch(memory: Memory, given: Namespace) -> int:
    left = given.count
    for change in memory.watch(given.prefix, since=given.since, timeout=given.timeout):
        _show(_plain(asdict(change)))
        sys.stdout.flush()
        left = None if left is None else left - 1
        if left == 0:
            return FOUND
    return NOT_THERE


def _history(memory: Memory, given: Namespace) -> int:
    status = NOT_THERE
    for version in memory.history(given.key, values=given.values):
        members = _plain(asdict(version))
        _show(members if given.values else {name: member for name, member in members.items() if name != "value"})
        status = FOUND
    return status


def _restore(memory: Memory, given: Namespace) -> int:
    result = memory.restore(given.key, given.version, ttl=given.ttl, if_version=given.if_version)
    _show({"version": result.version, "created": result.created})
    return FOUND


def _rollback(memory: Memory, given: Namespace) -> int:
    done = memory.rollback(
        writer=given.writer, since=given.since, prefix=given.prefix, verified=given.verified, dry_run=given.dry_run
    )
    _show(asdict(done), is_indented=sys.stdout.isatty())
    return FOUND


def _quarantine(memory: Memory, given: Namespace) -> int:
    if given.writer is None:
        for one in memory.quarantined():
            _show(_plain(asdict(one)))
        return FOUND
    if given.release:
        return FOUND if memory.release(given.writer, verified=given.verified) else NOT_THERE
    _show(_plain(asdict(memory.quarantine(given.writer, given.reason, verified=given.verified))))
    return FOUND


def _lock(memory: Memory, given: Namespace) -> int:
    """Run the command while the lease is held; its exit status is ours. If the lease is lost, it is asked to end."""
    with memory.lock(given.name, ttl=given.ttl, timeout=given.timeout) as lease:
        environment = {**os.environ, "BOTWIRE_LEASE": lease.name, "BOTWIRE_FENCING": str(lease.fencing)}
        with subprocess.Popen(given.program, env=environment) as process:  # noqa: S603 - what the user asked for
            _forward_signals(process)
            while True:
                try:
                    status = process.wait(given.ttl / 10)
                    break
                except subprocess.TimeoutExpired:
                    if not lease.is_held:
                        process.terminate()
    return status if status >= 0 else 128 - status


def _forward_signals(process: subprocess.Popen[bytes]) -> None:
    """A signal that would end us is for the program; we end, and release, when it has ended."""

    def forward(number: int, frame: object) -> None:
        process.send_signal(number)

    signal.signal(signal.SIGTERM, forward)
    # From the keyboard, both get it.
    signal.signal(signal.SIGINT, lambda number, frame: None)


def _usage(memory: Memory, given: Namespace) -> int:
    _show(_plain(asdict(memory.usage())), is_indented=sys.stdout.isatty())
    return FOUND


def _export(memory: Memory, given: Namespace) -> int:
    with _Progress("exported") as progress:
        memory.export(
            given.output or sys.stdout.buffer, prefix=given.prefix, history=given.history, progress=progress.show
        )
    return FOUND


def _import(memory: Memory, given: Namespace) -> int:
    file = sys.stdin.buffer if given.file == "-" else given.file
    with _Progress("checked" if given.dry_run else "imported") as progress:
        result = memory.import_(file, dry_run=given.dry_run, on_conflict=given.on_conflict, progress=progress.show)
    _show(asdict(result))
    return FOUND if _is_all_in(result, given) else NOT_THERE


def _is_all_in(result: ImportResult, given: Namespace) -> bool:
    """Whether a dry run promises success; what was really done has succeeded."""
    is_hindered = result.different > 0 and given.on_conflict == "fail"
    return not result.dry_run or (result.fits and not is_hindered)


def _claim(memory: Memory, given: Namespace) -> int:
    _show_token(memory.claim_namespace(given.code, name=given.name))
    return FOUND


def _share(memory: Memory, given: Namespace) -> int:
    shared = memory.share(read=given.read, write=given.write, name=given.name, role=given.role, ttl=given.ttl)
    _show_token(shared)
    return FOUND


def _tokens(memory: Memory, given: Namespace) -> int:
    for token in memory.tokens():
        _show(_plain(asdict(token)))
    return FOUND


def _revoke(memory: Memory, given: Namespace) -> int:
    _show({"revoked": memory.revoke(given.id)})
    return FOUND


def _rotate(memory: Memory, given: Namespace) -> int:
    _show_token(memory.rotate(given.id, overlap=given.overlap))
    return FOUND


def _show_token(shared: SharedToken) -> None:
    """What was asked for is the token itself."""
    _show(_plain(asdict(shared)))


COMMANDS: dict[str, Callable[[Memory, Namespace], int]] = {
    "get": _get,
    "set": _set,
    "delete": _delete,
    "list": _list,
    "append": _append,
    "increment": _increment,
    "wait": _wait,
    "watch": _watch,
    "history": _history,
    "restore": _restore,
    "rollback": _rollback,
    "quarantine": _quarantine,
    "lock": _lock,
    "claim": _claim,
    "share": _share,
    "tokens": _tokens,
    "revoke": _revoke,
    "rotate": _rotate,
    "usage": _usage,
    "export": _export,
    "import": _import,
}


# --- in and out


def _value(given: Namespace) -> Any:
    """The value on the command line, or for `-` what stands on stdin; JSON, or with --raw a string as it is."""
    text = sys.stdin.read() if given.value == "-" else given.value
    if given.raw:
        return text.removesuffix("\n") if given.value == "-" else text
    return _parsed(text, "The value")


def _parsed(text: str, what: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise ValueError(f'{what} is not JSON: {error}. Text is "quoted" in JSON; --raw takes it as it is.') from None


def _show(value: Any, is_raw: bool = False, is_indented: bool = False) -> None:
    _print(value if is_raw and isinstance(value, str) else _json(value, 2 if is_indented else None))


def _json(value: Any, indent: int | None = None) -> str:
    return json.dumps(value, ensure_ascii=False, indent=indent)


def _print(text: str) -> None:
    sys.stdout.write(f"{text}\n")


def _plain(members: dict[str, Any]) -> dict[str, Any]:
    """Times as text."""
    return {name: member.isoformat() if hasattr(member, "isoformat") else member for name, member in members.items()}


class _Progress:
    """A bar on stderr that grows while long work goes on; nothing where that is no terminal."""

    _WIDTH = 30
    _PAUSE = 0.1

    def __init__(self, done: str) -> None:
        self._done = done
        self._line = ""
        self._shown_at = 0.0
        self._is_seen = sys.stderr.isatty()

    def show(self, count: int, total: int) -> None:
        """Show that `count` of `total` is done."""
        filled = self._WIDTH * count // total if total else self._WIDTH
        bar = "#" * filled + "-" * (self._WIDTH - filled)
        self._line = f"\r[{bar}] {count:,} of {total:,} {self._done}"
        if self._is_seen and time.monotonic() - self._shown_at > self._PAUSE:
            self._write(self._line)
            self._shown_at = time.monotonic()

    def __enter__(self) -> _Progress:
        return self

    def __exit__(self, *error: object) -> None:
        if self._is_seen and self._line:
            self._write(f"{self._line}\n")

    @staticmethod
    def _write(text: str) -> None:
        sys.stderr.write(text)
        sys.stderr.flush()
