"""The key that signs operators' sessions: made on the first start, and kept in the data folder."""

import os
from pathlib import Path


def kept_secret_key(folder: Path) -> str:
    """The key in `folder`/secret_key; made with mode 0600 if it is not there, by exactly one of several processes."""
    path = folder / "secret_key"
    if not path.exists():
        _make(path)
    return path.read_text().strip()


def _make(path: Path) -> None:
    from django.core.management.utils import get_random_secret_key  # it takes a third of the settings' time

    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".secret_key.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(get_random_secret_key())
            file.flush()
            os.fsync(file.fileno())
        os.link(draft, path)  # fails if another process was first, and never shows a half-written key
    except FileExistsError:
        pass
    finally:
        draft.unlink()
