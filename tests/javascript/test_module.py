"""The JavaScript module `client/js`: its own tests, by Node's own runner, against the real server."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import httpx
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


@pytest.mark.parametrize("file", FILES)
def test_the_module_keeps_what_it_promises(node, server, cramped, file):
    corpus = json.dumps({"values": VALUES, "keys": [key for _, key in KEYS]})

    said = node("--test", HERE / file, BOTWIRE_URL=server.url, BOTWIRE_CRAMPED_URL=cramped.url, BOTWIRE_CORPUS=corpus)

    assert "pass 0" not in said


def test_the_test_files_are_found():
    assert len(FILES) >= 8


@pytest.fixture
def run_programs(node, server, namespace, tmp_path):
    """Runs the blocks of JavaScript in a text as one program that has the package installed; the lines it prints."""

    def run(text: str, name: str) -> list[str]:
        program = tmp_path / "program.mjs"
        program.write_text("\n".join(re.findall(r"```js\n(.*?)```", text, re.DOTALL)).replace(name, namespace))
        (tmp_path / "node_modules").mkdir()
        (tmp_path / "node_modules" / "botwire").symlink_to(PACKAGE)
        return node(program, BOTWIRE_URL=server.url).splitlines()

    return run


def test_the_programs_of_the_readme_run_as_they_stand(run_programs):
    printed = run_programs((PACKAGE / "README.md").read_text(), "trading-desk")

    assert printed[0] == "{ signal: 'buy', confidence: 0.9 }"


def test_the_program_of_llms_txt_runs_as_it_stands(run_programs, server):
    assert run_programs(httpx.get(f"{server.url}/llms.txt").text, "NAMESPACE") == ["412.5"]


def test_the_package_has_no_dependency_and_the_version_of_the_python_client():
    package = json.loads((PACKAGE / "package.json").read_text())

    assert {name for name in package if "ependencies" in name} == set()
    assert package["version"] == botwire.__version__
    assert (package["type"], package["engines"]) == ("module", {"node": ">=18"})
    assert (PACKAGE / "LICENSE").read_text() == (ROOT / "LICENSE").read_text()
