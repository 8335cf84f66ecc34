"""Who may open the operators' pages."""

from threading import BoundedSemaphore

from django.contrib.auth import get_user_model
from django.test import Client

from namespaces import database
from tests.console.conftest import past_second_factor


def test_a_stranger_is_sent_to_sign_in(database, db):
    answer = Client().get("/admin/")

    assert answer.status_code == 302
    assert answer["Location"] == "/admin/login/?next=/admin/"


def test_an_account_without_a_role_sees_nothing(database, db):
    nobody = get_user_model().objects.create(username="nobody", is_staff=True)
    browser = past_second_factor(nobody)

    assert browser.get("/admin/").status_code == 403


def test_a_viewer_sees_the_overview(viewer):
    assert viewer.get("/admin/").status_code == 200


def test_an_overview_takes_no_post(administrator):
    assert administrator.post("/admin/").status_code == 405


def test_a_database_that_does_not_answer_is_told_and_never_shown_as_empty(viewer, monkeypatch):
    monkeypatch.setattr(database, "STALL_SECONDS", 0)
    monkeypatch.setattr(database, "_turns", BoundedSemaphore(1))
    database._turns.acquire()

    answer = viewer.get("/admin/log/")

    assert (answer.status_code, answer["Retry-After"]) == (503, "1")
    assert "The database does not answer" in answer.text
