"""`/docs/`: every document is a page, and no link on any of them leads nowhere."""

import posixpath
import re
from html import unescape

import pytest

from api.problems import PROBLEMS
from botwire_site.visitors.documents import address_of, documents
from tests.conftest import ROOT


def pages() -> list[str]:
    examples = [f"/docs/{path.relative_to(ROOT)}" for path in (ROOT / "examples").rglob("*.py")]
    return ["/", "/n/", "/docs/", *(f"/docs/{name}" for name in documents()), *examples]


def test_every_markdown_file_of_docs_is_listed():
    files = {path.relative_to(ROOT).as_posix() for path in (ROOT / "docs").rglob("*.md")} - {"docs/README.md"}

    readmes = {f"{folder}/README.md" for folder in ("client", "client/js", "examples")}
    assert files | readmes == {one.path for one in documents().values()}


def test_the_list_says_what_each_document_is_for(visitor):
    page = visitor.get("/docs/").text

    for one in documents().values():
        assert f'<a href="/docs/{one.name}">{one.title}</a> {one.about_text[:1].upper()}{one.about_text[1:20]}' in page


def test_every_document_is_a_page_with_its_contents(visitor):
    for one in documents().values():
        page = visitor.get(f"/docs/{one.name}")

        assert page.status_code == 200
        assert f'<a href="/docs/{one.name}" aria-current="page">{one.title}</a>' in page.text
        assert "style=" not in page.text
    assert '<a href="#conditions">Conditions</a>' in visitor.get("/docs/http").text


def test_no_link_of_any_page_leads_nowhere(visitor):
    followed = set()
    for path in pages():
        page = visitor.get(path).text
        anchors = set(re.findall(r' id="([^"]+)"', page))
        for target in re.findall(r' (?:href|src)="([^"]+)"', page):
            if target.startswith("#"):
                assert target[1:] in anchors, f"{path}: {target}"
            elif not target.startswith(("/static/", "/api/", "/n/team-", "http:", "https:")):
                followed.add(posixpath.join(posixpath.dirname(path), target.partition("#")[0]))

    assert len(followed) > 12
    for target in followed:
        found = visitor.get(target)
        assert found.status_code == 200, target


def test_links_to_a_heading_find_it(visitor):
    for path in pages():
        for target, anchor in re.findall(r' href="(/docs/\w+)#([^"]+)"', visitor.get(path).text):
            assert f' id="{anchor}"' in visitor.get(target).text, f"{path}: {target}#{anchor}"


def test_every_document_is_there_as_markdown_whose_links_lead_somewhere(visitor):
    for one in documents().values():
        answer = visitor.get(f"/docs/{one.name}.md")

        assert answer["Content-Type"] == "text/markdown; charset=utf-8"
        assert answer.text.startswith("# ")
        for target in re.findall(r"\]\((?!https?:)([^)#]+)", answer.text):
            assert visitor.get(target).status_code == 200, f"{one.name}: {target}"


def test_every_error_code_has_its_row_at_the_address_of_its_type(visitor):
    page = visitor.get("/docs/errors").text

    for code, problem in PROBLEMS.items():
        row = unescape(re.search(rf'<tr id="{code}">(.*?)</tr>', page, re.DOTALL)[1])
        assert f">{problem.status}<" in row
        assert f"<strong>{problem.title}.</strong>" in row
    assert "<code>resets_at</code>" in re.search(r'<tr id="daily_write_limit">(.*?)</tr>', page, re.DOTALL)[1]


@pytest.mark.parametrize(
    ("target", "leads_to", "in_markdown"),
    [
        ("http.md", "/docs/http", "/docs/http.md"),
        ("http.md#errors", "/docs/http#errors", "/docs/http.md#errors"),
        ("../client/README.md#retries", "/docs/client#retries", "/docs/client.md#retries"),
        ("README.md", "/docs/", "/docs/"),
        ("../examples/trading_desk/quant.py", *["/docs/examples/trading_desk/quant.py"] * 2),
        ("#names", "#names", "#names"),
        ("/api/docs/", "/api/docs/", "/api/docs/"),
        ("https://example.org/a.md", "https://example.org/a.md", "https://example.org/a.md"),
        ("../api/views.py", None, None),
        ("../../etc/passwd", None, None),
    ],
)
def test_a_link_of_a_file_leads_to_its_page(target, leads_to, in_markdown):
    assert address_of(target, "docs/http.md") == leads_to
    assert address_of(target, "docs/http.md", suffix=".md") == in_markdown


@pytest.mark.parametrize(
    "path",
    [
        "none",
        "none.md",
        "README",
        "examples/README.md",
        "examples/none.py",
        "examples/../manage.py",
        "examples/../botwire_site/settings.py",
        "../data/secret_key",
        "../pyproject.toml",
        "http.md/",
        "examples//etc/passwd.py",
        "a\0.png",
    ],
)
def test_nothing_else_can_be_read(visitor, path):
    assert visitor.get(f"/docs/{path}").status_code == 404
