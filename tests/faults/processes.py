"""Which of a server's processes is which, and what each of them holds."""

from pathlib import Path

from tests.servers import Server


def web_workers(server: Server) -> list[int]:
    """The processes that answer requests: the children of gunicorn's master."""
    return _children(_master(server))


def background_worker(server: Server) -> int | None:
    """The process that sweeps, if it runs at the moment."""
    found = [number for number in _children(server.process_ids()[0]) if "worker" in _arguments(number)]
    return found[0] if found else None


def resident_bytes(number: int) -> int:
    """Memory of a process that is in RAM."""
    return int(Path(f"/proc/{number}/statm").read_text().split()[1]) * 4_096


def threads(number: int) -> int:
    return len(list(Path(f"/proc/{number}/task").iterdir()))


def descriptors(number: int) -> int:
    """Open files and sockets of a process."""
    return len(list(Path(f"/proc/{number}/fd").iterdir()))


def _master(server: Server) -> int:
    [master] = [number for number in _children(server.process_ids()[0]) if "gunicorn" in _arguments(number)]
    return master


def _children(number: int) -> list[int]:
    return list(map(int, Path(f"/proc/{number}/task/{number}/children").read_text().split()))


def _arguments(number: int) -> list[str]:
    try:
        return Path(f"/proc/{number}/cmdline").read_text().split("\0")
    except FileNotFoundError:
        return []
