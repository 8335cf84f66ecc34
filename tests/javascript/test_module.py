"""The JavaScript module `client/js`: its own tests, by Node's own runner, against the real server."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

import botwire
from tests.conftest import ROOT
from tests.namespaces.corpus import KEYS, VALUES

HERE = Path(__file__).parent
PACKAGE = ROOT / "client" / "js"
NODE = shutil.which("node") or shutil.which("nodejs")
FILES = sorted(file.name for file in HERE.glob("*.test.mjs"))


@pytest.fixture
def node():
    """Runs Node with `arguments`, gives what it printed. Where there is no Node, skips the test, or fails it in CI."""
    if NODE is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)("no Node on this machine: apt-get install nodejs")

    def run(*arguments: object, **environment: str) -> str:
        finished = subprocess.run(
            [NODE, *map(str, arguments)],
            env={**os.environ, **environment},
            capture_output=True,
            text=True,
            timeout=120,
            cwd=ROOT,
        )
        assert finished.returncode == 0, finished.stdout + finished.stderr
        return finished.stdout

    return run


@pytest.fixture(scope="session")
def cramped(make_lasting_server):
    """A server with limits that a test can reach, and pages of seven keys."""
    return make_lasting_server(
        BOTWIRE_WRITES_PER_DAY="60",
        BOTWIRE_BYTES="1001",
        BOTWIRE_KEYS_PER_PAGE_DEFAULT="7",
        BOTWIRE_NEW_NAMESPACES_PER_HOUR="1000000",
    )


@pytest.mark.parametrize("file", FILES)
def test_the_module_keeps_what_it_promises(node, server, cramped, file):
    corpus = json.dumps({"values": VALUES, "keys": [key for _, key in KEYS]})

    said = node("--test", HERE / file, BOTWIRE_URL=server.url, BOTWIRE_CRAMPED_URL=cramped.url, BOTWIRE_CORPUS=corpus)

    assert "pass 0" not in said


def test_the_test_files_are_found():
    assert len(FILES) >= 8


def test_the_example_of_the_readme_runs_as_it_stands(node, server, namespace, tmp_path):
    text = (PACKAGE / "README.md").read_text()
    blocks = [block.partition("```")[0] for block in text.split("```js\n")[1:]]
    program = tmp_path / "readme.mjs"
    program.write_text("\n".join(blocks).replace("trading-desk", namespace))
    (tmp_path / "node_modules").mkdir()
    (tmp_path / "node_modules" / "botwire").symlink_to(PACKAGE)

    said = node(program, BOTWIRE_URL=server.url)

    assert said.splitlines()[0] == "{ signal: 'buy', confidence: 0.9 }"


def test_the_package_has_no_dependency_and_the_version_of_the_python_client():
    package = json.loads((PACKAGE / "package.json").read_text())

    assert {name for name in package if "ependencies" in name} == set()
    assert package["version"] == botwire.__version__
    assert (package["type"], package["engines"]) == ("module", {"node": ">=18"})
    assert (PACKAGE / "LICENSE").read_text() == (ROOT / "LICENSE").read_text()
