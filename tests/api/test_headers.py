"""Headers of every answer: security, CORS, no cookies."""

import pytest

pytestmark = pytest.mark.django_db

PATHS = ["/", "/docs/errors", "/api/docs/", "/api/schema/", "/healthz", "/memory/a/b", "/nothing", "/admin/login/"]
# Forms have to tell where they come from, though to this site alone.
REFERRERS = {"/admin/login/": "same-origin"}


@pytest.mark.parametrize("path", PATHS)
def test_every_answer_carries_the_security_headers(database, api, path):
    answer = api.get(path)

    policy = answer["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "unsafe" not in policy
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["X-Frame-Options"] == "DENY"
    assert answer["Referrer-Policy"] == REFERRERS.get(path, "no-referrer")


def test_the_api_sets_no_cookie(put, get, api):
    assert not put("k").cookies
    assert not get("k").cookies
    assert not api.get("/").cookies


def test_pages_elsewhere_may_call_the_api_without_credentials(put, get):
    answer = put("k", Origin="https://elsewhere.example")

    assert answer["Access-Control-Allow-Origin"] == "*"
    assert "Access-Control-Allow-Credentials" not in answer
    assert "ETag" in answer["Access-Control-Expose-Headers"]
    assert get("none", Origin="https://elsewhere.example")["Access-Control-Allow-Origin"] == "*"


def test_a_preflight_allows_what_the_api_takes(database, api):
    answer = api.options(
        "/memory/a/b",
        headers={
            "Origin": "https://elsewhere.example",
            "Access-Control-Request-Method": "PUT",
            "Access-Control-Request-Headers": "content-type, if-match, x-botwire-agent",
        },
    )

    assert answer.status_code == 200
    assert "PUT" in answer["Access-Control-Allow-Methods"]
    for header in ("content-type", "if-match", "x-botwire-agent"):
        assert header in answer["Access-Control-Allow-Headers"]


def test_the_admin_is_closed_to_other_origins(database, api):
    assert "Access-Control-Allow-Origin" not in api.get(
        "/admin/login/", headers={"Origin": "https://elsewhere.example"}
    )


def test_options_names_the_methods(database, api):
    answer = api.options("/memory/a/b")

    assert answer.status_code == 204
    assert answer["Allow"] == "GET, PUT, PATCH, DELETE, HEAD, OPTIONS"


@pytest.mark.only_through("django")
def test_health_asks_no_database(database, api, django_assert_num_queries):
    with django_assert_num_queries(0):
        assert api.get("/healthz").json() == {"status": "ok"}


@pytest.mark.only_through("django")
def test_readiness_asks_the_database(database, api, django_assert_num_queries):
    with django_assert_num_queries(1):
        assert api.get("/readyz").json() == {"status": "ok"}
