"""Errors are pages for people, and problem documents for everybody else."""

import pytest
from django.db import OperationalError
from django.test import Client
from redis.exceptions import ConnectionError as RedisAway

from botwire_site.console.site import OperatorSite

STRICT = Client(enforce_csrf_checks=True, raise_request_exception=False)


@pytest.mark.parametrize("path", ["/admin/auth/user/", "/admin/auth/user/add/"])
def test_what_a_role_may_not_do_is_told_on_a_page(viewer, path):
    answer = viewer.get(path)

    assert answer.status_code == 403
    assert answer["Content-Type"] == "text/html; charset=utf-8"
    assert answer["Cache-Control"] == "no-store"
    assert "<h1>Not for your role</h1>" in answer.text


@pytest.mark.parametrize("path", ["/admin/nothing/", "/account/nothing", "/admin"])
def test_a_page_that_is_not_there_is_told_on_a_page(viewer, path):
    answer = viewer.get(path)

    assert answer.status_code == 404
    assert "<h1>Nothing here</h1>" in answer.text


@pytest.mark.parametrize("path", ["/nothing", "/administration/", "/accounts", "/memory/a/b", "/namespaces/a"])
def test_elsewhere_a_refusal_stays_a_problem_document(api, database, path):
    answer = api.get(path)

    assert answer.status_code == 404
    assert answer["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize(
    ("error", "status"), [(ValueError("a slip"), 500), (RedisAway("away"), 503), (OperationalError("a slip"), 500)]
)
def test_a_fault_of_ours_is_told_on_a_page(viewer, monkeypatch, settings, error, status):
    settings.IS_REDIS = True  # whose errors are known where it is used alone

    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(OperatorSite, "each_context", fail)

    answer = viewer.get("/admin/")

    assert answer.status_code == status
    assert answer["Content-Type"] == "text/html; charset=utf-8"
    assert "slip" not in answer.text


def test_a_form_without_its_token_is_told_on_a_page(database, db):
    answer = STRICT.post("/account/login/", {"login": "operator", "password": "x"})

    assert answer.status_code == 403
    assert "<h1>The form is out of date</h1>" in answer.text
    assert "<style" not in answer.text


@pytest.mark.parametrize(("path", "policy"), [("/account/login/", "same-origin"), ("/healthz", "no-referrer")])
def test_pages_with_forms_let_the_browser_name_their_origin(database, db, path, policy):
    assert Client().get(path)["Referrer-Policy"] == policy


def test_a_form_from_another_site_is_refused(database, db):
    token = STRICT.get("/account/login/").context["csrf_token"]
    form = {"login": "operator", "password": "x", "csrfmiddlewaretoken": str(token)}

    own = STRICT.post("/account/login/", form, headers={"origin": "http://testserver"})
    other = STRICT.post("/account/login/", form, headers={"origin": "https://example.org"})

    assert (own.status_code, other.status_code) == (200, 403)
