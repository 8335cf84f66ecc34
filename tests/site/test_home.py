"""`/`: what it says is true of this server, and its examples run as they stand."""

import re
import subprocess
import sys
from html import unescape

import httpx
import pytest
from django.contrib.humanize.templatetags.humanize import intcomma

from namespaces.limits import LIMITS


def blocks(language: str, page: str) -> list[str]:
    return [unescape(code) for code in re.findall(rf'<code class="language-{language}">(.*?)</code>', page, re.DOTALL)]


@pytest.fixture
def home(visitor) -> str:
    return unescape(visitor.get("/").text)


def test_the_limits_are_those_of_the_table(home, visitor, settings):
    for row in LIMITS:
        assert f'<td class="number">{intcomma(row.default)}</td><td>{row.sentence}</td>' in home

    settings.LIMITS = {**settings.LIMITS, "writes_per_day": 77_777}

    assert home.count("77,777") == 0
    assert visitor.get("/").text.count("77,777") == 2


def test_each_visitor_is_given_a_namespace_that_nobody_has(home, visitor):
    pages = (home, visitor.get("/").text)
    names = {re.search(r'name="namespace" value="(team-[0-9a-f]{8})"', page)[1] for page in pages}

    assert len(names) == 2


def test_it_asks_the_database_nothing(visitor, django_assert_num_queries):
    with django_assert_num_queries(0):
        visitor.get("/")


def test_it_sets_no_cookie_and_can_only_be_read(visitor):
    assert not visitor.get("/").cookies
    assert visitor.post("/").status_code == 405


def test_its_python_runs_as_it_stands(server, tmp_path):
    [program] = blocks("python", httpx.get(f"{server.url}/").text)

    printed = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True, cwd=tmp_path)

    assert printed.stdout == "{'action': 'buy'}\n"


def test_its_curl_runs_as_it_stands(server):
    commands = blocks("sh", httpx.get(f"{server.url}/").text)[1]

    printed = subprocess.run(["bash", "-ec", commands], check=True, capture_output=True, text=True)

    assert '"value": {"action": "buy"}' in printed.stdout


def test_robots_leave_namespaces_alone(visitor):
    answer = visitor.get("/robots.txt")

    assert answer["Content-Type"].startswith("text/plain")
    assert {"Disallow: /n/", "Disallow: /memory/", "Disallow: /admin/"} <= set(answer.text.splitlines())


def test_every_page_says_what_it_is_and_which_version_of_botwire(visitor):
    for path in ("/", "/docs/", "/docs/http", "/docs/errors", "/n/", "/n/none/"):
        page = visitor.get(path).text

        assert re.search(r"<title>[^<]*BotWire[^<]*</title>", page), path
        assert re.search(r'<meta name="description" content="[^"]{20,}">', page), path
        assert '<meta property="og:title" content="' in page, path
        assert "BotWire 0." in page, path
        assert len(re.findall("<h1", page)) == 1, path


def test_the_licence_and_the_icon_are_there(visitor):
    assert "MIT License" in visitor.get("/licence").text
    assert visitor.get("/favicon.ico").status_code == 302
