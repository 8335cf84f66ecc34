"""The lane answers as Django does, to the byte: the same requests to both, for namespaces with names of one length."""

import json
import re
import secrets
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from namespaces import database as domain
from namespaces import tally
from namespaces.engine.errors import NotAnswered
from namespaces.models import DailyUsage, Namespace
from tests.conftest import RawClient
from tests.lane import Lane, running_lane
from tests.rows import assert_counters_exact

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("database")]

EXAMPLES = 40
MOMENT = re.compile(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")

KEYS = st.sampled_from(
    ["a", "b", "b", "a%2Fb", "a/b", "%ff", "caf%C3%A9", "..", "", "a%00", "x" * 600, "%23", "100%25"]
)
TAGS = st.sampled_from(['"1"', '"2"', 'W/"1"', "*", '"1", "2"', "1", '"x"', "", '"0"'])
VALUES = st.one_of(
    st.integers(), st.text(max_size=20), st.none(), st.lists(st.floats(allow_nan=False), max_size=3), st.just("x" * 90)
)
BODIES = st.one_of(
    st.builds(lambda value: json.dumps({"value": value}).encode(), VALUES),
    st.builds(
        lambda value, ttl: json.dumps({"value": value, "ttl": ttl}).encode(), VALUES, st.sampled_from([60, -1, None])
    ),
    st.sampled_from(
        [b"", b"{", b'{"value": 1} x', b'{"value": NaN}', b'{"value": "\\ud800"}', b'\xff{"value": 1}', b'{"v": 1}']
    ),
    st.just(b'{"value": ' + b"[" * 65 + b"]" * 65 + b"}"),
)
HEADERS = st.fixed_dictionaries(
    {},
    optional={
        "If-Match": TAGS,
        "If-None-Match": TAGS,
        "X-BotWire-Agent": st.sampled_from(["quant", "caf%C3%A9", "%ff", "a%0Ab", "x" * 200, "é"]),
        "Origin": st.sampled_from(["https://elsewhere.example", "null", "http://["]),
        "Cookie": st.sampled_from(["sessionid=", "a=b"]),
        "Accept": st.sampled_from(["text/html", "*/*", "nonsense"]),
        "Content-Encoding": st.sampled_from(["identity", "gzip"]),
        "Host": st.sampled_from(["testserver", "other.example:8000", "a b"]),
        "Authorization": st.just("Bearer x"),
        "X-Forwarded-Proto": st.just("https"),
        "X-Forwarded-For": st.just("198.51.100.7"),
    },
)
LISTS = st.sampled_from(
    [
        *("", "?", "?limit=1", "?limit=2&prefix=", "?prefix=k", "?prefix=%C3%A9", "?limit=1&cursor=aw", "?cursor=aw"),
        *("?include=values&limit=1", "?limit=0", "?limit=1001", "?limit=1&limit=1", "?cursor=%ff", "?cursor=x&limit=1"),
        *("?prefix=%00", "?wait=1", "?x"),
    ]
)
REQUESTS = st.fixed_dictionaries(
    {
        "list": st.one_of(st.none(), st.none(), LISTS),
        "method": st.sampled_from(
            ["GET"] * 4 + ["PUT"] * 6 + ["DELETE"] * 2 + ["HEAD", "POST", "PATCH", "OPTIONS", "get"]
        ),
        "key": KEYS,
        "query": st.sampled_from([""] * 8 + ["?", "?x=1", "?ttl=5"]),
        "body": BODIES,
        "content_type": st.sampled_from(
            ["application/json"] * 6 + ["application/json; charset=latin-1", "text/plain", "", "application/x+json"]
        ),
        "headers": HEADERS,
    }
)


@pytest.fixture
def lane() -> Any:
    with running_lane() as lane:
        yield lane


@pytest.fixture
def clients(lane: Lane) -> tuple[RawClient, RawClient]:
    """Django alone, and behind the lane."""
    alone, behind = RawClient(raise_request_exception=False), RawClient(raise_request_exception=False)
    for client in (alone, behind):
        client.handler.enforce_csrf_checks = True
    behind.handler = lane
    return alone, behind


def asked(client: RawClient, namespace: str, request: dict[str, Any]) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body, with what two moments or two names make different made equal."""
    of_entry = f"/memory/{namespace}/{request['key']}{request['query']}"
    answer = client.generic(
        request["method"],
        of_entry if request["list"] is None else f"/memory/{namespace}{request['list']}",
        request["body"] if request["method"] not in ("GET", "HEAD") else b"",
        request["content_type"],
        headers=request["headers"],
    )
    headers = {name.lower(): value for name, value in answer.headers.items()}
    if "ratelimit-reset" in headers:
        headers["ratelimit-reset"] = "soon"
    if "retry-after" in headers:
        headers["retry-after"] = "later"
    if "botwire-claim-code" in headers:
        headers["botwire-claim-code"] = "secret"
    body = re.sub(rb'"retry_after": \d+', b'"retry_after": 1', answer.content)
    body = re.sub(rb'"claim_code": "[0-9a-f]{40}"', b'"claim_code": "secret"', body)
    return answer.status_code, headers, MOMENT.sub(b"then", body).replace(namespace.encode(), b"NAMESPACE")


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(requests=st.lists(REQUESTS, min_size=1, max_size=12))
def test_any_requests_get_the_same_answers_through_the_lane(settings, clients, caplog, requests):
    caplog.set_level("CRITICAL")
    settings.LIMITS = {**settings.LIMITS, "writes_per_day": 4, "bytes": 150, "value_bytes": 80}
    settings.LIMITS |= {"new_namespaces_per_hour": 10**9}
    alone, behind = clients
    names = [f"{way}-{secrets.token_hex(8)}" for way in ("one", "two")]

    answers = [
        [asked(client, name, request) for request in requests]
        for client, name in zip((alone, behind), names, strict=True)
    ]

    for request, expected, got in zip(requests, *answers, strict=True):
        assert got == expected, request
    states = Namespace.objects.filter(name__in=names).values("revision", "bytes", "entries", "log_bytes")
    assert len({tuple(state.items()) for state in states}) <= 1
    for name in Namespace.objects.filter(name__in=names).values_list("name", flat=True):
        assert_counters_exact(name)


def test_reads_and_refusals_are_counted_once(lane, clients, namespace, monkeypatch):
    monkeypatch.setattr(tally, "_is_started", True)
    _, behind = clients
    path = f"/memory/{namespace}/k"
    behind.put(path, '{"value": 1}', content_type="application/json")

    for _ in range(3):
        behind.get(path)
    behind.get(f"{path}-not")
    behind.delete(path, headers={"If-Match": '"9"'})
    tally.flush()

    usage = DailyUsage.objects.get(namespace_id=namespace)
    assert (usage.writes, usage.reads) == (1, 3)
    assert usage.refusals == {"key_not_found": 1, "precondition_failed": 1}


def test_what_is_common_is_answered_without_django(lane, clients, namespace, monkeypatch):
    _, behind = clients
    path = f"/memory/{namespace}/k"
    behind.put(path, '{"value": 1}', content_type="application/json")
    behind.get("/healthz")
    monkeypatch.setattr(lane.application._django, "answer", None)

    answers = [
        behind.get("/healthz"),
        behind.put(path, '{"value": 2}', content_type="application/json"),
        behind.put(f"{path}-new", '{"value": 2, "ttl": 60}', content_type="application/json"),
        behind.get(path),
        behind.get(path, headers={"If-None-Match": '"2"'}),
        behind.delete(path, headers={"X-BotWire-Agent": "quant"}),
        behind.get(f"/memory/{namespace}?prefix=k&limit=1000"),
        behind.get(f"/memory/{namespace}-that-never-was"),
    ]

    assert [answer.status_code for answer in answers] == [200, 200, 201, 200, 304, 200, 200, 200]
    assert answers[-2].json()["keys"] == ["k-new"]


def test_a_read_that_the_engine_cannot_answer_is_answered_by_django(lane, clients, namespace, monkeypatch):
    _, behind = clients
    path = f"/memory/{namespace}/{quote('a b')}"
    behind.put(path, '{"value": 1}', content_type="application/json")

    async def fetch(sql: str, parameters: domain.Parameters) -> Any:
        raise NotAnswered

    monkeypatch.setattr(lane.application._engine, "fetch", fetch)

    assert behind.get(path).json()["value"] == 1


def test_a_body_in_parts_is_read_whole(lane, namespace):
    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": "PUT",
        "scheme": "http",
        "path": "",
        "raw_path": f"/memory/{namespace}/k".encode(),
        "query_string": b"",
        "headers": [(b"host", b"x"), (b"content-type", b"application/json"), (b"content-length", b"12")],
        "server": ("x", 80),
        "client": ("127.0.0.1", 1),
    }

    first = lane.run(lane.ask(scope, b'{"val', b'ue": ', b"1}"))
    second = lane.run(lane.ask(scope, b'{"val', b'ue": ', b"1}"))
    cut = lane.run(lane.ask(scope, b'{"val'))

    assert [first[0], second[0]] == [201, 200]
    assert cut[0] == 400
    assert Namespace.objects.get().revision == 2
