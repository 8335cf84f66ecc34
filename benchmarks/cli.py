"""The command line: what is measured, on whom, how much, and where the report goes."""

import argparse
import shutil
import signal
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from benchmarks import machine, report
from benchmarks.figures import Results
from benchmarks.ground import ROOT, Ground
from benchmarks.parts import PARTS
from benchmarks.peers import PEERS
from benchmarks.progress import Progress
from benchmarks.run import Options, Run

README = ROOT / "benchmarks" / "README.md"
RESULTS = ROOT / "benchmarks" / "results"
USAGE = """\
Measure BotWire beside its peers on this machine.

Every peer is started by this command on a free port of 127.0.0.1, with its data in a temporary folder, and ended with
it; Ctrl-C leaves nothing behind. In each round all peers are measured one after the other, so that a noisy minute is
everybody's. Peers that are not installed are left out, with a line that says what to install.
"""
EXAMPLES = """\
examples
  uv run python -m benchmarks --quick                        does it all work? a few seconds for each part
  uv run python -m benchmarks                                everything; about an hour, on a machine left alone
  uv run python -m benchmarks --parts speed --peers sqlite standin
  uv run python -m benchmarks --write-readme                 everything, and the tables of benchmarks/README.md anew
  uv run python -m benchmarks --from benchmarks/results/results.json --write-readme
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what the arguments say; 0 if everything that was begun was measured, 1 otherwise."""
    given = _parser().parse_args(arguments)
    if given.read:
        results = report.from_json(given.read.read_text(encoding="utf-8"))
    elif shutil.which("wrk") is None:
        print("The load generator is missing: apt-get install wrk", file=sys.stderr)
        return 2
    else:
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that it, too, ends what was started
        try:
            results = _measure(given)
        except KeyboardInterrupt:
            print("\nStopped. Everything that was started has ended.", file=sys.stderr)
            return 130
    _publish(results, given)
    return 1 if results.failed else 0


def _parser() -> argparse.ArgumentParser:
    own = Options(peers=())
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description=USAGE,
        epilog=f"{_listing()}\n{EXAMPLES}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--parts", nargs="+", choices=PARTS, default=list(PARTS), metavar="PART", help="default: all of them")
    add("--peers", nargs="+", choices=PEERS, default=list(PEERS), metavar="PEER", help="default: all of them")
    add("--quick", action="store_true", help="tiny amounts: shows that it works, measures nothing")
    add("--rounds", type=_count, default=own.rounds, help="default: %(default)s")
    add("--seconds", type=_count, default=own.seconds, help="of each measurement; default: %(default)s")
    add("--connections", type=_count, default=own.connections, help="kept open; default: %(default)s")
    add("--workers", type=_count, default=own.workers, help="of BotWire and of the floor; default: %(default)s")
    add("--memory-requests", type=_count, default=own.memory_requests, help="for the part memory; default: %(default)s")
    add("--folder", type=Path, metavar="DIR", help="where data goes while it runs; default: the temporary folder")
    add("--output", type=Path, metavar="DIR", default=RESULTS, help="where results.json and results.md go")
    add("--write-readme", action="store_true", help="also put the report into benchmarks/README.md")
    add("--from", type=Path, metavar="FILE", dest="read", help="measure nothing: report an earlier results.json")
    return parser


def _listing() -> str:
    parts = [f"  {name:<12}{part.SENTENCE}" for name, part in PARTS.items()]
    peers = [f"  {name:<12}{peer.title}" for name, peer in PEERS.items()]
    return "\n".join(["parts", *parts, "", "peers", *peers, ""])


def _count(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("at least 1")
    return number


def _options(given: argparse.Namespace) -> Options:
    named = ("rounds", "seconds", "connections", "workers", "memory_requests")
    options = replace(Options(tuple(given.peers)), **{name: getattr(given, name) for name in named})
    return options.quick() if given.quick else options


def _measure(given: argparse.Namespace) -> Results:
    options = _options(given)
    with Ground(given.folder, options.workers) as ground:
        results = Results(machine.describe(options, ground))
        _look_for_peers(options, ground, results)
        available = replace(options, peers=tuple(results.peers))
        parts = [PARTS[name] for name in PARTS if name in given.parts]
        progress = Progress(sum(part.steps(available) for part in parts))
        run = Run(available, ground, results, progress, available.peers)
        for part in parts:
            part.measure(run)
            report.write_files(results, given.output)  # what is measured is kept, however the rest ends
        progress.end()
    return results


def _look_for_peers(options: Options, ground: Ground, results: Results) -> None:
    for name in options.peers:
        try:
            results.peers[name] = PEERS[name].about(ground)
        except OSError as error:
            results.skipped[name] = str(error)
            print(f"{PEERS[name].title} is left out: {error}", file=sys.stderr)


def _publish(results: Results, given: argparse.Namespace) -> None:
    text = report.as_markdown(results)
    print(text)
    for path in report.write_files(results, given.output):
        print(f"written: {path}", file=sys.stderr)
    if given.write_readme:
        README.write_text(report.replace_between_markers(README.read_text(encoding="utf-8"), text), encoding="utf-8")
        print(f"written: {README}", file=sys.stderr)
