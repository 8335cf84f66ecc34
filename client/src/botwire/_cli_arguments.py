"""How the command `botwire` is called, and the help that teaches it. What its commands do is in `_cli`."""

from __future__ import annotations

import argparse
import json
import math
import os
from datetime import datetime
from typing import Any

from botwire._portability import ON_CONFLICT
from botwire._settings import TIMEOUT, __version__

_ABOUT = """\
Shared memory for teams of AI agents, from the shell. Values are JSON, in and out.

  export BOTWIRE_URL=http://127.0.0.1:8000 BOTWIRE_NAMESPACE=my-desk
  botwire set status '"running"'
  botwire get status
  botwire increment visits
  echo '{"url": "https://example.org"}' | botwire append found -
  botwire wait status --equals '"done"' --timeout 600 && echo finished
  botwire watch orders/ | jq .value
  botwire lock deploy -- ./deploy.sh
  botwire export -o backup.ndjson; botwire import backup.ndjson
"""
_STATUSES = """\
exit status:
  0  found, done, true
  1  not there, false, or not in time
  2  the command line or the input is wrong
  3  the server refused
  4  no connection, or what answers is no BotWire
(`lock` ends with the status of its command.)
"""
_VALUE = "JSON; - reads it from stdin"


def parse(arguments: list[str] | None) -> argparse.Namespace:
    """What the command line says; a wrong one ends the program with status 2."""
    whole = _parser()
    given = whole.parse_args(arguments)
    if given.namespace is None:
        whole.error("which namespace? Say -n NAME, or set BOTWIRE_NAMESPACE.")
    return given


def _parser() -> argparse.ArgumentParser:
    """The whole command line."""
    whole = argparse.ArgumentParser(
        prog="botwire", description=_ABOUT, epilog=_STATUSES, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    whole.add_argument("--version", action="version", version=f"botwire {__version__}")
    commands = _Commands(whole)

    get = commands.add(
        "get", "print the value under a key",
        "botwire get status", "botwire get status --raw      # a string without quotes",
        "botwire get a b c             # an object of those that are there",
    )  # fmt: skip
    get.add_argument("keys", nargs="+", metavar="KEY")
    _raw(get, "print a string as it is, without quotes")

    set_ = commands.add(
        "set", "store a value under a key",
        "botwire set price 412.5 --ttl 60", "botwire set note --raw 'any text'",
        "botwire set lock '\"me\"' --if-absent  # 3 if somebody was first",
        "cat report.json | botwire set report -",
    )  # fmt: skip
    _key_and_value(set_)
    _ttl(set_)
    set_.add_argument("--if-version", type=int, metavar="N", help="only if that is the entry's version")
    set_.add_argument("--if-absent", action="store_true", help="only if there is no entry")

    delete = commands.add("delete", "delete keys; 1 if one was not there", "botwire delete price status")
    delete.add_argument("keys", nargs="+", metavar="KEY")
    delete.add_argument("--if-version", type=int, metavar="N", help="only if that is the entry's version (one key)")

    list_ = commands.add(
        "list", "print keys, one a line, in the order of their bytes",
        "botwire list user: --raw", "botwire list --values         # [key, value] a line",
    )  # fmt: skip
    _prefix(list_)
    list_.add_argument("--values", action="store_true", help="print [key, value]")
    _raw(list_, "print keys as they are, without quotes")

    append = commands.add(
        "append", "append a value to a list, and print its length",
        "botwire append log '{\"level\": \"info\"}' --max-length 1000", "date | botwire append log --raw -",
    )  # fmt: skip
    _key_and_value(append)
    append.add_argument("--max-length", type=int, metavar="N", help="keep only the newest N")
    _ttl(append)

    increment = commands.add(
        "increment", "add to a number, and print the sum", "botwire increment visits", "botwire increment balance -2.5"
    )
    increment.add_argument("key", metavar="KEY")
    increment.add_argument("by", nargs="?", type=_number, default=1, metavar="BY", help="how much to add (1)")
    increment.add_argument("--initial", type=_number, default=0, metavar="N", help="what a missing key counts as (0)")

    wait = commands.add(
        "wait", "wait for a value, and print it; 1 if it does not come in time",
        "botwire wait report", "botwire wait status --equals '\"done\"' --timeout 600",
        "botwire wait price --after 17   # for a version greater than 17",
    )  # fmt: skip
    wait.add_argument("key", metavar="KEY")
    which = wait.add_mutually_exclusive_group()
    which.add_argument("--equals", metavar="JSON", help="wait until the value equals this")
    which.add_argument("--after", type=int, metavar="VERSION", help="wait for a version greater than this")
    _timeout(wait, 60)
    _raw(wait, "print a string as it is, without quotes")

    watch = commands.add(
        "watch", "print changes as they happen, one JSON object a line",
        "botwire watch orders/", "botwire watch --since 17 --timeout 5   # what came after revision 17",
    )  # fmt: skip
    _prefix(watch)
    watch.add_argument("--since", type=int, metavar="REVISION", help="begin after this revision (default: now)")
    watch.add_argument("--count", type=_positive, metavar="N", help="end after N changes")
    _timeout(watch, None)

    history = commands.add(
        "history", "print the versions of a key, newest first, one JSON object a line",
        "botwire history status", "botwire history status --values | head -3",
    )  # fmt: skip
    history.add_argument("key", metavar="KEY")
    history.add_argument("--values", action="store_true", help="with the values that were set")

    restore = commands.add("restore", "set a key to what one of its versions was", "botwire restore status 17")
    restore.add_argument("key", metavar="KEY")
    restore.add_argument("version", type=int, metavar="VERSION")
    restore.add_argument("--if-version", type=int, metavar="N", help="only if that is the entry's version")
    _ttl(restore)

    rollback = commands.add(
        "rollback", "take back what one writer did, and print what became of the keys",
        "botwire rollback bot7 --dry-run", "botwire rollback bot7 --since 2026-01-31T09:00:00Z findings/",
        after="Each key goes back to the newest version not by it; a key that others wrote later stays.",
    )  # fmt: skip
    _writer(rollback)
    _prefix(rollback)
    rollback.add_argument("--since", type=_since, metavar="REVISION|TIME", help="only what it did after that")
    rollback.add_argument("--dry-run", action="store_true", help="write nothing, and print what would be")

    quarantine = commands.add(
        "quarantine", "hide what a writer wrote from every reader; without a writer, print who is hidden",
        "botwire quarantine bot7 --reason 'made up prices'", "botwire quarantine",
        "botwire quarantine bot7 --release   # 1 if it was not hidden",
    )  # fmt: skip
    _writer(quarantine, nargs="?")
    what = quarantine.add_mutually_exclusive_group()
    what.add_argument("--reason", default="", metavar="TEXT", help="why; it is shown with the list")
    what.add_argument("--release", action="store_true", help="have it be read again")

    lock = commands.add(
        "lock", "run a command while holding a lock, which is renewed meanwhile",
        "botwire lock deploy -- ./deploy.sh", "botwire lock nightly --timeout 0 -- make report   # 1 if another has it",
        after="It finds BOTWIRE_LEASE and BOTWIRE_FENCING in its environment, and gets SIGTERM if the lock is lost.",
    )  # fmt: skip
    lock.add_argument("name", metavar="NAME")
    lock.add_argument("--ttl", type=float, default=60, metavar="SECONDS", help="how long it outlives us (60)")
    _timeout(lock, None)
    lock.add_argument("program", nargs="+", metavar="COMMAND", help="after --, the command and its arguments")

    claim = commands.add(
        "claim", "make the namespace private, and print its admin token, once",
        "botwire -n desk claim | jq -r .token > desk.token   # keep it well",
        "botwire -n desk claim --code CODE   # of one that is in use: only who made it was given the code",
    )  # fmt: skip
    claim.add_argument("--code", metavar="CODE", help="the claim code of the answer that made the namespace")
    claim.add_argument("--name", metavar="WRITER", help="the writer that the token stands for (admin)")

    share = commands.add(
        "share", "print a new token that may do a part of what yours may",
        "botwire share --write findings/ --name scout --ttl 3600", "botwire share --read '' --name auditor",
    )  # fmt: skip
    share.add_argument("--read", action="append", metavar="PREFIX", help="it reads keys that begin so (repeatable)")
    share.add_argument("--write", action="append", metavar="PREFIX", help="it writes, and reads, these (repeatable)")
    share.add_argument("--name", metavar="WRITER", help="the writer that it stands for (yours)")
    share.add_argument("--role", choices=("admin", "write", "read"), help="default: by what it may")
    share.add_argument("--ttl", type=float, metavar="SECONDS", help="how long it is good")

    commands.add("tokens", "print the tokens that yours may manage, one a line, without the secret", "botwire tokens")

    revoke = commands.add(
        "revoke", "take a token back, with all that was shared with it", "botwire revoke 3f786850e387550f"
    )
    revoke.add_argument("id", metavar="ID", help="as tokens tells it")

    rotate = commands.add(
        "rotate", "print a new token in the place of one",
        "botwire rotate --overlap 3600   # your own; the old one is good for another hour",
    )  # fmt: skip
    rotate.add_argument("id", nargs="?", metavar="ID", help="as tokens tells it (your own)")
    rotate.add_argument(
        "--overlap", type=_seconds, default=0, metavar="SECONDS", help="the old one is good so long (0)"
    )

    commands.add("usage", "print what the namespace uses, and its limits", "botwire usage")

    export = commands.add(
        "export", "write all entries to a file, as they were at one moment",
        "botwire export -o backup.ndjson", "botwire export user: | gzip > users.ndjson.gz",
        "botwire export --history -o all.ndjson   # with the change log",
        after="Lines of JSON: a header, the entries, a trailer that tells a whole file from a part of one.",
    )  # fmt: skip
    _prefix(export)
    export.add_argument("-o", "--output", metavar="FILE", help="there only once it is whole; default: stdout")
    export.add_argument("--history", action="store_true", help="the change log, too")

    import_ = commands.add(
        "import", "put in what was exported",
        "botwire import backup.ndjson --dry-run   # 1 if it does not fit the limits",
        "botwire import backup.ndjson", "botwire -n old export | botwire -n new import -",
        after="Each entry is one write. Run it again to go on where it was stopped. A namespace that nothing was\n"
        "written to gets versions, times and writers back as they were.",
    )  # fmt: skip
    import_.add_argument("file", metavar="FILE", help="a file, or - for stdin")
    import_.add_argument("--dry-run", action="store_true", help="tell what it would do, and write nothing")
    import_.add_argument(
        "--on-conflict", choices=ON_CONFLICT, default="fail", help="where a key has another value already (fail)"
    )
    return whole


class _Commands:
    """The commands of a parser; each takes the options that all of them have."""

    def __init__(self, whole: argparse.ArgumentParser) -> None:
        _connection(whole, is_default=True)
        self._shared = argparse.ArgumentParser(add_help=False)
        _connection(self._shared, is_default=False)
        self._parsers = whole.add_subparsers(dest="command", required=True, metavar="COMMAND", title="commands")

    def add(self, name: str, does: str, *examples: str, after: str = "") -> argparse.ArgumentParser:
        lines = "\n".join(f"  {example}" for example in examples)
        return self._parsers.add_parser(
            name,
            help=does,
            description=f"{does[0].upper()}{does[1:]}.",
            epilog=f"examples:\n{lines}\n\n{after}",
            parents=[self._shared],
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )


def _connection(to: argparse.ArgumentParser, is_default: bool) -> None:
    """The options that stand before the command or after it; only before it they have defaults to fall back on."""

    def add(*names: str, default: Any = None, **options: Any) -> None:
        to.add_argument(*names, default=default if is_default else argparse.SUPPRESS, **options)

    def from_environment(name: str, *names: str, says: str = "", **options: Any) -> None:
        add(*names, default=os.environ.get(name) or None, help=f"{says}default: {name}", **options)

    from_environment("BOTWIRE_NAMESPACE", "-n", "--namespace", metavar="NAME")
    add("--url", metavar="URL", help="the server; default: BOTWIRE_URL")
    from_environment("BOTWIRE_TOKEN", "--token")
    from_environment("BOTWIRE_AGENT", "--agent", metavar="NAME", says="the writer; ")
    add("--patience", type=float, default=TIMEOUT, metavar="SECONDS", help=f"for each answer ({TIMEOUT:g})")


def _writer(to: argparse.ArgumentParser, **options: Any) -> None:
    to.add_argument("writer", metavar="WRITER", help="a writer's name", **options)
    whose = to.add_mutually_exclusive_group()
    whose.add_argument(
        "--verified", action="store_true", default=None, help="the one whose name the server vouches for"
    )
    whose.add_argument(
        "--self-declared", action="store_false", dest="verified", default=None, help="of the name that it called itself"
    )


def _key_and_value(to: argparse.ArgumentParser) -> None:
    to.add_argument("key", metavar="KEY")
    to.add_argument("value", metavar="VALUE", help=_VALUE)
    _raw(to, "take the value as a string, not as JSON")


def _raw(to: argparse.ArgumentParser, text: str) -> None:
    to.add_argument("-r", "--raw", action="store_true", help=text)


def _prefix(to: argparse.ArgumentParser) -> None:
    to.add_argument("prefix", nargs="?", default="", metavar="PREFIX", help="only keys that begin with it")


def _ttl(to: argparse.ArgumentParser) -> None:
    to.add_argument("--ttl", type=float, metavar="SECONDS", help="the entry is gone after that")


def _timeout(to: argparse.ArgumentParser, default: float | None) -> None:
    text = "no end" if default is None else f"{default:g}"
    to.add_argument("--timeout", type=_seconds, default=default, metavar="SECONDS", help=f"how long to wait ({text})")


def _since(text: str) -> int | datetime:
    if text.isascii() and text.isdigit():
        return int(text)
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.astimezone()


def _seconds(text: str) -> float:
    seconds = float(text)
    if not 0 <= seconds < math.inf:
        raise ValueError(text)
    return seconds


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError(text)
    return number


def _number(text: str) -> int | float:
    number = json.loads(text)
    if isinstance(number, bool) or not isinstance(number, int | float):
        raise ValueError(text)
    return number
