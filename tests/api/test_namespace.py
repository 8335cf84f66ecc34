"""GET /namespaces/{namespace}: status, limits, usage."""

from datetime import UTC, datetime

import pytest

from namespaces import tally
from namespaces.models import DailyUsage, Namespace

pytestmark = pytest.mark.django_db


def test_the_answer_tells_status_limits_and_usage(put, delete, api, namespace):
    created = put("k", 42).json()["created_at"]
    put("l", 42)
    last = put("k", 7).json()["updated_at"]

    today = datetime.now(UTC).date().isoformat()
    body = api.get(f"/namespaces/{namespace}").json()
    resets_at = body["usage"].pop("resets_at")
    assert resets_at > last
    assert resets_at.endswith("T00:00:00.000000Z")
    assert body == {
        "namespace": namespace,
        "access": "open",
        "status": "active",
        "reason": None,
        "until": None,
        "revision": 3,
        "created_at": created,
        "last_write_at": last,
        "limits": {
            "writes_per_day": 1_000,
            "bytes": 52_428_800,
            "value_bytes": 1_048_576,
            "key_bytes": 512,
            "json_depth": 64,
            "keys_per_page": 10_000,
            "ttl_seconds": 315_360_000,
        },
        "usage": {"day": today, "writes": 3, "bytes": 5, "entries": 2, "reads": 0},
    }


def test_an_unknown_namespace_is_404(database, api, namespace):
    assert api.get(f"/namespaces/{namespace}").json()["code"] == "namespace_not_found"


def test_a_suspended_namespace_still_tells_why(put, api, namespace):
    put("k")
    Namespace.objects.update(status="suspended", status_reason="spam", status_until="2100-01-01T00:00:00Z")

    body = api.get(f"/namespaces/{namespace}").json()

    assert (body["status"], body["reason"]) == ("suspended", "spam")
    assert body["until"] == "2100-01-01T00:00:00.000000Z"


def test_reads_and_refusals_are_counted_when_flushed(put, get, api, namespace, monkeypatch):
    monkeypatch.setattr(tally, "_is_started", True)
    put("k")
    get("k")
    api.get(f"/memory/{namespace}")
    get("none")
    put("k", body="rubbish")
    api.get("/memory/nobody-wrote-here/k")

    tally.flush()
    tally.flush()

    usage = DailyUsage.objects.get()
    assert usage.reads == 2
    assert usage.refusals == {"key_not_found": 1, "invalid_json": 1}
    assert usage.writes == 1
    assert api.get(f"/namespaces/{namespace}").json()["usage"]["reads"] == 2


def test_there_is_no_list_of_namespaces(put, api):
    put("k")

    assert [api.get(path).status_code for path in ("/memory", "/memory/", "/namespaces", "/namespaces/")] == [404] * 4
