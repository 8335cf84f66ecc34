"""A disk that is small enough to fill it up: a file system of its own, in memory."""

import errno
import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def small_disk(mebibytes: int) -> Iterator[Path]:
    """A folder on a file system with so much room; skips the test where none can be mounted, and fails it in CI."""
    folder = Path(tempfile.mkdtemp(prefix="botwire-disk-"))
    options = ["-t", "tmpfs", "-o", f"size={mebibytes}m,mode=0777", "tmpfs", str(folder)]
    mounted = subprocess.run(["mount", *options], capture_output=True, text=True)
    if mounted.returncode:
        reason = f"no small disk can be mounted here: {mounted.stderr.strip()}"
        (pytest.fail if os.environ.get("CI") else pytest.skip)(reason)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)
        folder.rmdir()


def fill(folder: Path, *, leave: int = 0) -> Path:
    """Fill the disk up to `leave` bytes; remove the file that is returned to make room again."""
    ballast = folder / "ballast"
    with ballast.open("wb", buffering=0) as file:
        while (room := _free(folder) - leave) > 0:
            try:
                file.write(b"x" * min(room, 1 << 20))
            except OSError as error:
                if error.errno != errno.ENOSPC:
                    raise
                break  # others who write have taken the last of it
    return ballast


def _free(folder: Path) -> int:
    state = os.statvfs(folder)
    return state.f_bavail * state.f_frsize
