"""An environment per framework, made by uv from the groups of `pyproject.toml` beside this, and pytest in it.

What a suite needs of npm is there as well, in `npm/` of its environment, and a Node that is a Python package runs it.

    uv run python -m tests.frameworks.environments crewai -q -x

runs one framework's suite by hand; what follows the name is pytest's.
"""

import os
import subprocess
import sys
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

from tests.servers import PYTHON, ROOT

HERE = Path(__file__).parent
PROJECT = HERE / "pyproject.toml"
OPTIONS = HERE / "suites.ini"
#: Kept from run to run: what is there already is neither linked nor compiled again.
ENVIRONMENTS = ROOT / ".frameworks"
SECONDS = 600

# What would call home. Nothing of the tests needs more than the loopback interface.
_SILENCE = {
    "ANONYMIZED_TELEMETRY": "False",
    "CREWAI_DISABLE_TELEMETRY": "true",
    "CREWAI_DISABLE_TRACKING": "true",
    "CREWAI_TRACING_ENABLED": "false",
    "DO_NOT_TRACK": "1",
    "HF_HUB_OFFLINE": "1",
    "LANGSMITH_TRACING": "false",
    "OPENAI_AGENTS_DISABLE_TRACING": "1",
    "OTEL_SDK_DISABLED": "true",
}
_PASSED_ON = ("PATH", "LANG", "LC_ALL", "TMPDIR")


@cache
def groups() -> dict[str, list[str]]:
    """The requirements of each framework's environment, by its name."""
    found = _project()["dependency-groups"]
    return {name: [row for row in rows if isinstance(row, str)] for name, rows in found.items() if name != "testing"}


def _project() -> dict[str, Any]:
    return tomllib.loads(PROJECT.read_text())


def suite_of(name: str) -> Path:
    return HERE / name.replace("-", "_")


def make(name: str) -> Path:
    """Make the environment `name`, or bring it up to date; its Python."""
    folder = ENVIRONMENTS / name
    python = folder / "bin" / "python"
    if not python.exists():
        _uv("venv", "--quiet", "--python", PYTHON, str(folder))
    _uv("pip", "install", "--quiet", "--exact", "--python", str(python), "--group", f"{PROJECT}:{name}")
    _npm(folder, _project()["tool"]["npm"].get(name, []))
    return python


def run(name: str, *options: str) -> subprocess.CompletedProcess[str]:
    """Run the suite of `name` in its environment, with nothing of ours around it but the server's Python."""
    python = make(name)
    with_home = ENVIRONMENTS / name / "home"
    with_home.mkdir(exist_ok=True)
    return subprocess.run(
        [str(python), "-m", "pytest", "-c", str(OPTIONS), f"--rootdir={HERE}", f"--confcutdir={HERE}",
         *options, str(suite_of(name))],
        cwd=ROOT,
        env={
            **{variable: os.environ[variable] for variable in _PASSED_ON if variable in os.environ},
            **_SILENCE,
            "HOME": str(with_home),
            "BOTWIRE_SERVER_PYTHON": PYTHON,
        },
        capture_output=True,
        text=True,
        timeout=SECONDS,
    )  # fmt: skip


def _uv(*command: str) -> None:
    # An environment that is active where the tests run is not the one meant.
    environment = {name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"}
    subprocess.run(["uv", *command], cwd=HERE, env=environment, check=True, timeout=SECONDS)


def _npm(folder: Path, packages: list[str]) -> None:
    """Install `packages`, unless they are there already."""
    marker = folder / "npm" / "installed.txt"
    if not packages or (marker.exists() and marker.read_text().split() == packages):
        return
    options = ["--prefix", str(marker.parent), "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"]
    environment = {**os.environ, "PATH": f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}"}
    marker.parent.mkdir(exist_ok=True)
    command = [str(folder / "bin" / "npm"), "install", *options, *packages]
    subprocess.run(command, env=environment, check=True, timeout=SECONDS, stdout=subprocess.DEVNULL)
    marker.write_text("\n".join(packages))


if __name__ == "__main__":
    finished = run(*sys.argv[1:])
    sys.stdout.write(finished.stdout + finished.stderr)
    sys.exit(finished.returncode)
