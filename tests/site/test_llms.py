"""`/llms.txt`: an agent that reads nothing else can use BotWire, because every line of it is true."""

import json
import re
import subprocess
import sys

import httpx
import pytest

from namespaces.limits import LIMITS, limit


def blocks(language: str, text: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


@pytest.fixture
def text(server, namespace) -> str:
    return httpx.get(f"{server.url}/llms.txt").text.replace("NAMESPACE", namespace)


def test_it_has_the_form_of_llmstxt_org(text):
    lines = text.splitlines()

    assert lines[0] == "# BotWire"
    assert lines[2].startswith("> ")
    sections = [line for line in lines if line.startswith("#")]
    assert sections == ["# BotWire", "## Docs", "## Optional"]
    for line in text.partition("## Docs")[2].splitlines():
        assert not line or line.startswith("#") or re.fullmatch(r"- \[[^]]+\]\(https?://[^)]+\): .+", line), line


def test_its_links_lead_to_markdown_of_this_server(server, text):
    links = re.findall(r"\]\((http[^)]+)\)", text.partition("## Docs")[2])

    assert len(links) > 5
    assert all(link.startswith(server.url) for link in links)
    answers = [httpx.get(link) for link in links if "/n/" not in link]
    assert {answer.status_code for answer in answers} == {200}
    markdown = [answer for answer in answers if answer.headers["Content-Type"] == "text/markdown; charset=utf-8"]
    assert len(markdown) == len(answers) - 1, "all but the OpenAPI description"


def test_its_first_curl_lines_set_get_list_and_delete(server, namespace, text):
    printed = subprocess.run(["bash", "-ec", blocks("sh", text)[0]], check=True, capture_output=True, text=True).stdout

    answers = [json.loads(part) for part in re.findall(r"\{.*?\}(?=\{|$)", printed)]
    written, entry, listed, deleted = answers
    assert (written["stored"], written["version"]) == (True, 1)
    assert entry["value"] == {"action": "buy"}
    assert listed["keys"] == ["tsla_signal"]
    assert deleted["deleted"] is True
    for members, answer in zip(re.findall(r"`\{(\"[^}]+)\}`", text), (entry, listed), strict=True):
        assert re.findall(r'"(\w+)"', members) == list(answer)


def test_its_second_curl_lines_write_once_and_ask_for_usage(server, namespace, text):
    commands = blocks("sh", text)[1]

    first, second = (
        subprocess.run(["bash", "-ec", commands], check=True, capture_output=True, text=True).stdout for _ in range(2)
    )

    assert '"stored": true' in first
    assert '"code": "precondition_failed"' in second
    assert '"writes": 1' in second
    assert httpx.get(f"{server.url}/memory/{namespace}/lock").json()["writer"]["name"] == "trader-1"


def test_its_python_runs_as_it_stands(text, tmp_path):
    [program] = blocks("python", text)

    printed = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True, cwd=tmp_path)

    assert printed.stdout == "412.5\n"


def test_its_limits_are_those_of_the_table(visitor, settings):
    settings.LIMITS = {**settings.LIMITS, "key_bytes": 77_777}
    text = visitor.get("/llms.txt").text

    for row in LIMITS:
        assert f"- {limit(row.name):,} {row.sentence}\n" in text
    assert "77,777" in text
