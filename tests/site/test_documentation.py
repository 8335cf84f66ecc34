"""What the documents say is what the code does: settings, limits, the README's commands."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from namespaces.limits import LIMITS, limit
from tests.conftest import ROOT, free_port

README = (ROOT / "README.md").read_text()
SELF_HOSTING = (ROOT / "docs" / "self-hosting.md").read_text()


def blocks(language: str, text: str = README) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


def test_every_setting_is_documented_and_no_other():
    readers = [(ROOT / "botwire_site" / name).read_text() for name in ("settings.py", "gunicorn_conf.py")]

    read = set(re.findall(r'(?:env\.\w+|os\.environ\.get)\(\s*"(\w+)"', "".join(readers)))
    documented = set(re.findall(r"^\| `([A-Z_]+)` \|", SELF_HOSTING, re.MULTILINE))

    assert len(read) > 5
    assert documented == read | {row.variable for row in LIMITS}


def test_every_limit_is_documented_as_the_table_has_it():
    for row in LIMITS:
        assert f"| `{row.variable}` | {row.default:,} | {row.sentence} |" in SELF_HOSTING


@pytest.mark.parametrize("name", ["writes_per_day", "bytes", "value_bytes", "json_depth", "key_bytes"])
def test_the_readme_states_the_limits_in_force(name):
    table = README.partition("## Limits")[2].partition("Whoever")[0]

    assert f" {limit(name):,} " in table


def test_the_readme_is_short():
    assert len(README.splitlines()) < 150


def test_every_link_of_the_documents_leads_somewhere():
    readmes = [ROOT / folder / "README.md" for folder in ("", "client", "client/js", "examples", "benchmarks")]
    for page in [*readmes, *(ROOT / "docs").rglob("*.md")]:
        for target in re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_the_two_commands_are_those_of_the_readme():
    commands = [line for block in blocks("sh") for line in block.splitlines() if line.startswith("pip install uv")]

    assert commands == ["pip install uv && uv run manage.py serve", "pip install uv && uv run pytest"]
    gate = (ROOT / ".ci" / "run").read_text()
    assert "pip install --quiet uv" in gate
    assert re.search(r"^ *uv run pytest\b", gate, re.MULTILINE), "CI calls the README's test command"


def test_the_readme_s_command_serves(tmp_path):
    command = next(block for block in blocks("sh") if "manage.py serve" in block).strip()
    port = free_port()
    command = f"{command} --bind 127.0.0.1:{port} --data {tmp_path}"

    process = start(command)
    try:
        assert "sqlite" in "".join(until_serving(process))
        assert httpx.get(f"http://127.0.0.1:{port}/readyz").status_code == 200
    finally:
        os.killpg(process.pid, signal.SIGINT)
        process.wait(30)


def test_the_readme_s_test_command_finds_the_tests():
    command = next(block for block in blocks("sh") if "uv run pytest" in block).strip()

    process = start(f"{command} --collect-only -q --no-header")
    printed = process.communicate()[0]

    assert process.returncode == 0, printed
    assert "test_the_readme_s_test_command_finds_the_tests" in printed


def start(command: str) -> subprocess.Popen[str]:
    """Run a command of the README; as a group of its own, so that Ctrl-C reaches what it started."""
    environment = {**os.environ, "PIP_BREAK_SYSTEM_PACKAGES": "1"}
    return subprocess.Popen(
        ["bash", "-ec", command],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def test_the_readme_s_python_runs_as_it_stands(server, tmp_path):
    httpx.put(f"{server.url}/memory/trading-desk/risk_check", json={"value": "passed"})  # what the last lines wait for
    program = "\n".join(blocks("python")).replace("http://127.0.0.1:8000", server.url)

    printed = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True, cwd=tmp_path)

    assert printed.stdout == "{'action': 'buy', 'confidence': 0.9}\n"


def test_the_readme_s_curl_runs_as_it_stands(server):
    commands = next(block for block in blocks("sh") if "curl" in block).replace("http://127.0.0.1:8000", server.url)

    printed = subprocess.run(["bash", "-ec", commands], check=True, capture_output=True, text=True)

    assert '"value": {"action": "hold"}' in printed.stdout


def test_the_readme_s_postgresql_command_serves(postgresql_url, tmp_path):
    line = next(block for block in blocks("sh") if block.startswith("DATABASE_URL=")).strip()
    port = free_port()
    command = line.replace("postgres://user:password@host:5432/botwire", postgresql_url("postgres"))
    command = f"export {command} --bind 127.0.0.1:{port} --data {tmp_path}".replace(" uv run", "; uv run")

    process = start(command)
    try:
        assert "postgresql" in "".join(until_serving(process))
        assert httpx.get(f"http://127.0.0.1:{port}/readyz").status_code == 200
    finally:
        os.killpg(process.pid, signal.SIGINT)
        process.wait(30)


def until_serving(process: subprocess.Popen[str]) -> list[str]:
    """What was printed up to the last line of the announcement."""
    lines = []
    for line in process.stdout:
        lines.append(line)
        if line.strip().startswith("operators"):
            return lines
    raise AssertionError("it ended: " + "".join(lines))


def test_the_repository_names_no_package_registry_and_no_path_of_a_machine():
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()

    for name in tracked:
        assert Path(name).name != "uv.lock"
    assert "index-url" not in (ROOT / "pyproject.toml").read_text()
