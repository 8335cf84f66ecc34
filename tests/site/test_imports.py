"""What a server loads before it answers: nothing that it does not use."""

import os
import subprocess
import sys

from tests.conftest import ROOT


def test_without_redis_a_server_loads_nothing_of_it():
    environment = {name: value for name, value in os.environ.items() if name != "REDIS_URL"}
    program = "import botwire_site.asgi, sys; sys.exit('redis' in sys.modules)"

    ended = subprocess.run([sys.executable, "-c", program], cwd=ROOT, env=environment, timeout=60)

    assert ended.returncode == 0
