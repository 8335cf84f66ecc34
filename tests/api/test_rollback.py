"""POST /namespaces/{namespace}/rollback: what one writer did is taken back, at once or by a job."""

import json

import pytest

from api.rendering import timestamp
from namespaces import rollback_jobs
from namespaces.models import Namespace, RollbackJob
from tests.rows import all_rows

pytestmark = pytest.mark.django_db


@pytest.fixture
def ask(database, api, namespace):
    def ask(writer="bot7", verified=False, *, body=None, headers=None, **more):
        content = json.dumps({"writer": writer, "verified": verified, **more}) if body is None else body
        path = f"/namespaces/{namespace}/rollback"
        return api.post(path, content, content_type="application/json", headers=headers or {})

    return ask


@pytest.fixture
def lies(put):
    """A true entry that was lied over, a lie that somebody built on, and one of its own."""
    put("a", 1, X_BotWire_Agent="lead")
    for key in ("a", "b", "c"):
        put(key, "lie", X_BotWire_Agent="bot7")
    put("c", "built on", X_BotWire_Agent="quant")


@pytest.fixture
def a_job(put, ask, settings):
    """A rollback of three keys that is a job."""
    settings.LIMITS = {**settings.LIMITS, "batch_operations": 2}
    for key in ("a", "b", "c"):
        put(key, X_BotWire_Agent="bot7")
    return ask


def test_it_answers_what_became_of_the_keys(lies, ask, get, namespace):
    answer = ask(headers={"X-BotWire-Agent": "lead"})

    assert answer.status_code == 200
    body = answer.json()
    body["changes"].sort(key=lambda move: move["key"])
    assert body == {
        "namespace": namespace,
        "writer": {"name": "bot7", "verified": False},
        "since": 0,
        "until": 5,
        "prefix": "",
        "oldest_revision": 1,
        "dry_run": False,
        "job": None,
        "state": "done",
        "reached": 5,
        "complete": True,
        "keys": 3,
        "restored": 1,
        "deleted": 1,
        "unchanged": 0,
        "kept": 1,
        "unreachable": 0,
        "refused": 0,
        "changes": [{"key": "a", "from": 2, "to": 1}, {"key": "b", "from": 3, "to": None}],
        "left": [{"key": "c", "why": "kept"}],
    }
    assert get("a").json()["value"] == 1
    assert get("b").status_code == 404


def test_a_dry_run_answers_the_same_and_writes_nothing(lies, ask):
    before = all_rows()

    told = ask(dry_run=True).json()
    after = all_rows()
    done = ask().json()

    assert after == before
    assert told.pop("dry_run") is True
    assert done.pop("dry_run") is False
    for body in (told, done):
        body["changes"].sort(key=lambda move: move["key"])
    assert told == done


def test_since_and_prefix_choose_keys(lies, ask):
    def keys(**more):
        return sorted(move["key"] for move in ask(dry_run=True, **more).json()["changes"])

    assert keys(since=2) == ["b"]
    assert keys(prefix="a") == ["a"]
    assert keys(since="2020-01-01T00:00:00Z") == ["a", "b"]
    assert keys(since="2999-01-01T00:00:00+02:00") == []
    assert keys(verified=True) == []
    assert keys(writer=None) == keys(writer="") == []


def test_with_an_idempotency_key_it_is_done_once(lies, ask, put):
    first = ask(headers={"Idempotency-Key": "one"})
    put("d", X_BotWire_Agent="bot7")

    again = ask(headers={"Idempotency-Key": "one"})

    assert again.headers["Idempotency-Replayed"] == "true"
    assert again.json() == first.json()
    assert Namespace.objects.get().revision == 8


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ('{"writer": "bot7"}', "invalid_body"),
        ('{"writer": 7, "verified": false}', "invalid_body"),
        ('{"writer": "bot7", "verified": "no"}', "invalid_body"),
        ('{"writer": "bot7", "verified": false, "since": -1}', "invalid_body"),
        ('{"writer": "bot7", "verified": false, "since": "yesterday"}', "invalid_body"),
        ('{"writer": "bot7", "verified": false, "since": "2026-01-31T09:00:00"}', "invalid_body"),
        ('{"writer": "bot7", "verified": false, "since": 99}', "invalid_revision"),
        ('{"writer": "bot7", "verified": false, "prefix": "\\u0000"}', "invalid_prefix"),
        ('{"writer": "operator", "verified": true}', "invalid_agent"),
    ],
)
def test_what_is_no_rollback_is_refused_and_writes_nothing(lies, ask, body, code):
    before = all_rows()

    assert ask(body=body).json()["code"] == code
    assert all_rows() == before


def test_where_nothing_was_ever_written_it_is_404(ask):
    assert ask().json()["code"] == "namespace_not_found"
    assert not Namespace.objects.exists()


def test_more_keys_than_one_transaction_takes_are_202_and_a_job(a_job, api, namespace):
    answer = a_job()

    begun = answer.json()
    job = RollbackJob.objects.get()
    assert answer.status_code == 202
    assert (begun["job"], begun["state"], begun["complete"]) == (timestamp(job.started_at), "running", False)
    assert (begun["keys"], begun["reached"], begun["until"]) == (0, 0, 3)

    while rollback_jobs.advance():
        pass
    done = api.get(f"/namespaces/{namespace}/rollbacks/{begun['job']}").json()
    assert (done["state"], done["complete"], done["deleted"], done["reached"]) == ("done", True, 3, 3)
    assert [move["key"] for move in done["changes"]] == ["a", "b", "c"]


def test_a_second_rollback_while_one_runs_is_409_with_its_job(a_job):
    begun = a_job().json()

    refused = a_job()

    assert refused.status_code == 409
    assert (refused.json()["code"], refused.json()["job"]) == ("rollback_running", begun["job"])


def test_a_repeated_begin_is_answered_alike(a_job):
    first = a_job(headers={"Idempotency-Key": "one"})
    again = a_job(headers={"Idempotency-Key": "one"})

    assert (again.status_code, again.json()) == (202, first.json())
    assert RollbackJob.objects.count() == 1


def test_a_job_is_cancelled(a_job, api, namespace):
    begun = a_job().json()

    answer = api.delete(f"/namespaces/{namespace}/rollbacks/{begun['job']}")

    assert (answer.status_code, answer.json()) == (200, {**begun, "state": "cancelled"})
    assert not rollback_jobs.advance()


@pytest.mark.parametrize(
    ("job", "code"),
    [
        ("2026-01-31T09:00:00Z", "rollback_not_found"),
        ("2026-01-31T09:00:00", "rollback_not_found"),
        ("1", "rollback_not_found"),
        ("", "rollback_not_found"),
        ("%ff", "invalid_key"),
    ],
)
def test_another_job_is_refused(lies, api, namespace, job, code):
    path = f"/namespaces/{namespace}/rollbacks/{job}"

    assert api.get(path).json()["code"] == code
    assert api.delete(path).json()["code"] == code
