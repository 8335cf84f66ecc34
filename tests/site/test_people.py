"""Whoever comes with a browser gets faults as pages in the site's frame; programs get problem documents."""

import pytest
from django.db import InterfaceError

from botwire_site.visitors import home
from tests.conftest import RawClient


@pytest.mark.parametrize("path", ["/nope", "/docs/nope", "/n", "/n/a/b/c", "/<script>alert(1)</script>"])
def test_a_page_that_is_not_there_is_told_in_the_site_s_frame(visitor, path):
    answer = visitor.get(path)

    assert answer.status_code == 404
    assert answer["Content-Type"] == "text/html; charset=utf-8"
    assert '<header class="site-header">' in answer.text
    assert "<h1>No such address</h1>" in answer.text
    assert "<script>alert" not in answer.text


@pytest.mark.parametrize(
    "path", ["/memory/", "/memory/a/none", "/namespaces/none", "/api/nope", "/healthz/x", "/readyz/x"]
)
def test_the_api_answers_browsers_as_it_answers_programs(visitor, path):
    answer = visitor.get(path)

    assert answer.status_code == 404
    assert answer["Content-Type"] == "application/problem+json"


def test_programs_get_a_problem_document_everywhere(database, api):
    answer = api.get("/nope")

    assert (answer.status_code, answer.json()["code"]) == (404, "path_not_found")


@pytest.mark.parametrize(
    ("error", "status", "words"),
    [
        (RuntimeError("secret"), 500, "This is our fault"),
        (InterfaceError("secret"), 503, "cannot answer at the moment"),
    ],
)
def test_a_fault_is_a_page_with_a_way_to_try_again(visitor, monkeypatch, error, status, words):
    def fail(*arguments):
        raise error

    monkeypatch.setattr(home, "page", fail)
    answer, to_program = visitor.get("/?a=1"), RawClient(raise_request_exception=False).get("/")

    assert answer.status_code == to_program.status_code == status
    assert words in answer.text
    assert '<a class="button" href="/?a=1">Try again</a>' in answer.text
    assert "secret" not in answer.text
    assert to_program["Content-Type"] == "application/problem+json"


def test_no_address_leads_a_visitor_to_another_host(visitor):
    answer = visitor.get("//evil.example/nope")

    assert 'href="//' not in answer.text
