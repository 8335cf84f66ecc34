"""Workers by themselves, on a database that no server works on: for tests that kill them."""

import subprocess
import sys

from tests.console.sessions import environment_of
from tests.servers import ROOT, Server


def start_worker(server: Server) -> subprocess.Popen[bytes]:
    """A worker on the database of a server."""
    return subprocess.Popen([sys.executable, "manage.py", "worker"], cwd=ROOT, env=environment_of(server))
