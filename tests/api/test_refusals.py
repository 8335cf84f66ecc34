"""Bad input: the right code, the same envelope, nothing written."""

import json

import pytest

from namespaces.models import Namespace
from tests.factories import NamespaceFactory
from tests.rows import all_rows

pytestmark = pytest.mark.django_db

BODIES = [
    (b"", "invalid_json"),
    (b"  ", "invalid_json"),
    (b"value", "invalid_json"),
    (b"[1]", "invalid_json"),
    (b'"x"', "invalid_json"),
    (b"null", "invalid_json"),
    (b"{", "invalid_json"),
    (b'{"value": 1', "invalid_json"),
    (b'{"value": 1}}', "invalid_json"),
    (b'{"value": 1} x', "invalid_json"),
    (b'{"value": 1,}', "invalid_json"),
    (b'{"value" 1}', "invalid_json"),
    (b'{"value":}', "invalid_json"),
    (b"{'value': 1}", "invalid_json"),
    (b"{value: 1}", "invalid_json"),
    (b'{"value": 01}', "invalid_json"),
    (b'{"value": +1}', "invalid_json"),
    (b'{"value": .5}', "invalid_json"),
    (b'{"value": 1.}', "invalid_json"),
    (b'{"value": NaN}', "invalid_json"),
    (b'{"value": [Infinity]}', "invalid_json"),
    (b'{"value": -Infinity}', "invalid_json"),
    (b'{"value": 1e400}', "invalid_json"),
    (b'{"value": [-1.5E+309]}', "invalid_json"),
    (b'{"value": ' + b"1" * 4301 + b"}", "invalid_json"),
    (b'{"value": -' + b"1" * 4301 + b"}", "invalid_json"),
    (b'{"value": "\\ud800"}', "invalid_json"),
    (b'{"value": "\\udc00\\ud800"}', "invalid_json"),
    (b'{"value": {"\\ud83d": 1}}', "invalid_json"),
    (b'{"value": "\\ud83d\\u0041"}', "invalid_json"),
    (b'{"value": "\\ud83d\\\\udc00"}', "invalid_json"),
    (b'{"value": "\xff"}', "invalid_json"),
    (b'{"value": "\xed\xa0\x80"}', "invalid_json"),
    (b'\xef\xbb\xbf{"value": 1}', "invalid_json"),
    (b'{"value": "a\x00b"}', "invalid_json"),
    (b'{"value": "a\nb"}', "invalid_json"),
    (b'{"value": "\x1f"}', "invalid_json"),
    (b'{"value": "\\x41"}', "invalid_json"),
    (b'{"value": 1 /* no */}', "invalid_json"),
    (b"{}", "invalid_body"),
    (b'{"ttl": 1}', "invalid_body"),
    (b'{"value": 1, "extra": 2}', "invalid_body"),
    (b'{"Value": 1}', "invalid_body"),
    (b'{"value": 1, "value": 1}', "invalid_body"),
    (b'{"value": 1, "val\\u0075e": 2}', "invalid_body"),
    (b'{"value": 1, "ttl": 1, "ttl": 1}', "invalid_body"),
    (b'{"value": ' + b"[" * 65 + b"]" * 65 + b"}", "json_too_deep"),
    (b'{"value": ' + b'{"a":' * 65 + b"1" + b"}" * 65 + b"}", "json_too_deep"),
    (b'{"value": ' + b"[" * 500_000 + b"}", "json_too_deep"),
    (b'{"value": 1, "ttl": 0}', "invalid_ttl"),
    (b'{"value": 1, "ttl": -1}', "invalid_ttl"),
    (b'{"value": 1, "ttl": 315360001}', "invalid_ttl"),
    (b'{"value": 1, "ttl": 315360000.1}', "invalid_ttl"),
    (b'{"value": 1, "ttl": "60"}', "invalid_ttl"),
    (b'{"value": 1, "ttl": true}', "invalid_ttl"),
    (b'{"value": 1, "ttl": [60]}', "invalid_ttl"),
    (b'{"value": 1, "ttl": ' + b"9" * 4000 + b"}", "invalid_ttl"),
]


@pytest.mark.parametrize(("body", "code"), BODIES, ids=lambda part: repr(part[:40]))
def test_a_bad_body_is_refused_and_changes_nothing(put, body, code):
    put("k", "before")
    before = all_rows()

    refused = put("k", body=body), put("other", body=body)

    assert [answer.status_code for answer in refused] == [400, 400]
    assert [answer.json()["code"] for answer in refused] == [code, code]
    assert all_rows() == before
    assert put("k", "after").status_code == 200, "and the server is healthy"


@pytest.mark.parametrize("body", [b'{"value": NaN}', b""])
def test_a_refused_first_write_makes_no_namespace(put, body):
    put("k", body=body)

    assert not Namespace.objects.exists()


@pytest.mark.parametrize(
    "media_type",
    [
        "",
        "text/plain",
        "application/x-www-form-urlencoded",
        "application/json; charset=latin-1",
        "multipart/form-data; boundary=x",
        "application/jsonx",
        "json",
        "a/b/c",
        ";;;",
    ],
)
def test_a_body_that_says_it_is_not_json_is_refused(put, media_type):
    refused = put("k", content_type=media_type)

    assert refused.status_code == 415
    assert refused.json()["code"] == "unsupported_media_type"
    assert not Namespace.objects.exists()


def test_an_encoded_body_is_refused(put):
    assert put("k", Content_Encoding="gzip").json()["code"] == "unsupported_media_type"


NAMESPACES = [
    "-a",
    ".a",
    "a" * 65,
    "a%20b",
    "%C3%A9",
    "a%00",
    "a%0A",
    "%ff",
    "a!b",
    "a%25",
    "a~b",
    "a,b",
    "%20",
]


@pytest.mark.parametrize("name", NAMESPACES)
@pytest.mark.parametrize("address", ["/memory/{}/k", "/memory/{}", "/namespaces/{}"])
def test_a_bad_namespace_is_refused(database, api, name, address):
    answer = api.get(address.format(name))

    assert answer.status_code == 400
    assert answer.json()["code"] == "invalid_namespace"


@pytest.mark.parametrize("address", ["/memory/a%2Fb/k", "/memory/a%2Fb"])
def test_an_encoded_slash_in_a_namespace_does_not_make_a_key(database, api, address):
    assert api.get(address).json()["code"] == "invalid_namespace"


@pytest.mark.parametrize("name", ["a", "0", "a" * 64, "A-z_0.9:x@y+z"])
def test_a_good_namespace_is_taken(database, api, name):
    answer = api.put(f"/memory/{name}/k", '{"value": 1}', content_type="application/json")

    assert answer.status_code == 201
    assert answer.json()["namespace"] == name


KEYS = [
    "",
    "x" * 513,
    "%C3%A9" * 257,
    "%00",
    "a%0Ab",
    "a%7F",
    "%C2%85",
    "%ff",
    "%FF",
    "a%C3",
    "%ED%A0%80",
    "%C0%AF",
    ".",
    "..",
    "a/..",
    "a/./b",
    "../a",
    "%2E%2E",
    "a%2F..%2Fb",
]


@pytest.mark.parametrize("key", KEYS)
def test_a_bad_key_is_refused(put, get, delete, key):
    refused = put(key), get(key), delete(key)

    assert [answer.status_code for answer in refused] == [400, 400, 400]
    assert {answer.json()["code"] for answer in refused} == {"invalid_key"}
    assert not Namespace.objects.exists()


@pytest.mark.parametrize("agent", ["%00", "%ff", "a%0Ab", "x" * 129])
def test_a_bad_writer_is_refused(put, agent):
    refused = put("k", X_BotWire_Agent=agent)

    assert refused.json()["code"] == "invalid_agent"
    assert not Namespace.objects.exists()


@pytest.mark.parametrize("agent", ["operator", "operator:ada", "OPERATOR:ada", "Operator", "operator%3A"])
def test_nobody_passes_for_an_operator(put, delete, api, namespace, agent):
    put("k", X_BotWire_Agent="operators")
    before = all_rows()

    refused = (
        put("k", X_BotWire_Agent=agent),
        delete("k", X_BotWire_Agent=agent),
        api.delete(f"/memory/{namespace}", headers={"X-BotWire-Agent": agent}),
    )

    assert {(answer.status_code, answer.json()["code"]) for answer in refused} == {(400, "invalid_agent")}
    assert all_rows() == before


def test_the_daily_limit_refuses_until_midnight(put, delete, get, settings):
    settings.LIMITS = {**settings.LIMITS, "writes_per_day": 2}
    put("k", 1)
    put("k", 2)
    before = all_rows()

    refused = put("k", 3), put("new", 3), delete("k")

    assert [answer.status_code for answer in refused] == [429, 429, 429]
    body = refused[0].json()
    assert {name: body[name] for name in ("code", "limit", "used")} == {
        "code": "daily_write_limit",
        "limit": 2,
        "used": 2,
    }
    assert body["resets_at"].endswith("T00:00:00.000000Z")
    assert 1 <= int(refused[0]["Retry-After"]) <= 86_400
    assert body["retry_after"] == int(refused[0]["Retry-After"])
    assert all_rows() == before
    assert get("k").json()["value"] == 2, "reads go on"


def test_an_operator_may_give_a_namespace_limits_of_its_own(put, namespace, settings):
    settings.LIMITS = {**settings.LIMITS, "writes_per_day": 1, "bytes": 3, "value_bytes": 2}
    NamespaceFactory(name=namespace, limit_writes_per_day=2, limit_bytes=9_000, limit_value_bytes=8_000)

    assert put("k", "x" * 7_998).status_code == 201, "also where the body is larger than the server's own limit"
    assert put("k", "x" * 7_999).json()["limit"] == 8_000
    assert put("l", "x" * 1_000).json()["limit"] == 9_000
    assert put("k", 1).status_code == 200
    assert put("k", 1).json()["limit"] == 2


@pytest.mark.parametrize(
    ("status", "code"), [("read_only", "namespace_read_only"), ("suspended", "namespace_suspended")]
)
def test_a_restricted_namespace_refuses_writes_with_the_operators_reason(put, delete, api, namespace, status, code):
    put("k")
    Namespace.objects.filter(name=namespace).update(status=status, status_reason="spam from bot-7")
    before = all_rows()

    refused = put("k", 2), put("new"), delete("k"), delete("none"), api.delete(f"/memory/{namespace}")

    assert [answer.status_code for answer in refused] == [403] * 5
    assert {answer.json()["code"] for answer in refused} == {code}
    assert {answer.json()["reason"] for answer in refused} == {"spam from bot-7"}
    assert all_rows() == before


def test_a_suspended_namespace_refuses_reads_and_a_read_only_one_does_not(put, get, api, namespace):
    put("k")
    Namespace.objects.filter(name=namespace).update(status="suspended")
    refused = get("k"), get("none"), api.get(f"/memory/{namespace}")

    Namespace.objects.filter(name=namespace).update(status="read_only")
    answered = get("k"), api.get(f"/memory/{namespace}")

    assert [answer.status_code for answer in refused] == [403, 403, 403]
    assert [answer.status_code for answer in answered] == [200, 200]


def test_a_restriction_ends_by_itself(put, get, namespace):
    put("k")
    Namespace.objects.filter(name=namespace).update(status="suspended", status_until="2020-01-01T00:00:00Z")

    assert get("k").status_code == 200
    assert put("k").status_code == 200


@pytest.mark.parametrize(
    "address", ["/", "/memory", "/memory/", "/nothing", "/memory/a/b", "/namespaces/a", "/healthz"]
)
def test_a_method_that_is_not_there_gets_the_envelope(database, api, address):
    answer = api.generic("BREW", address)

    body = answer.json()
    assert answer["Content-Type"] == "application/problem+json"
    assert (answer.status_code, body["code"]) in [(405, "method_not_allowed"), (404, "path_not_found")]
    assert body["status"] == answer.status_code


def test_method_not_allowed_names_the_methods(database, api):
    answer = api.post("/memory/a/b")

    assert answer.status_code == 405
    assert answer["Allow"] == "GET, PUT, PATCH, DELETE, HEAD, OPTIONS"


def test_an_unknown_path_gets_the_envelope(database, api):
    answer = api.get("/no/such/path")

    assert answer.status_code == 404
    assert answer["Content-Type"] == "application/problem+json"
    assert answer.json() == {
        "type": "/docs/errors#path_not_found",
        "title": "No such address",
        "status": 404,
        "code": "path_not_found",
        "detail": "There is nothing at this address.",
        "next_step": "See /api/docs/ for the addresses there are.",
    }


def test_an_impossible_host_gets_the_envelope(database, api):
    answer = api.get("/memory/a/b", headers={"Host": "a b"})

    assert answer.status_code == 400
    assert answer.json()["code"] == "bad_request"


def test_an_unhandled_error_gets_the_envelope_and_tells_nothing(database, api, monkeypatch):
    def broken(*args: object, **kwargs: object) -> None:
        raise RuntimeError("a secret detail")

    monkeypatch.setattr("namespaces.reading.get_entry", broken)

    answer = api.get("/memory/a/b")

    assert answer.status_code == 500
    assert answer.json()["code"] == "internal_error"
    assert b"secret" not in answer.content


def test_a_problem_is_json_with_unicode_as_it_is(put, get):
    put("k")

    assert "é" in get("%C3%A9").content.decode()
    assert json.loads(get("%C3%A9").content)["code"] == "key_not_found"
