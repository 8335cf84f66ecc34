"""What is sent: addresses, headers and bodies, byte for byte."""

import json
from datetime import timedelta
from urllib.parse import unquote, urlsplit

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from botwire import InvalidAgentError, InvalidKeyError, InvalidNamespaceError, InvalidPrefixError, Memory, NotFoundError
from botwire._wire import Calls

KEYS = st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1, max_size=128).filter(
    lambda key: not {".", ".."} & set(key.split("/"))
)


def sent_by(memory_options: dict, act) -> httpx.Request:
    """The one request that `act` makes of a Memory with these options."""
    sent = []

    def answer(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        return httpx.Response(418)

    options = {"base_url": "http://server", **memory_options}
    with Memory("desk", transport=httpx.MockTransport(answer), **options) as memory, pytest.raises(Exception):  # noqa: B017, PT011
        act(memory)
    return sent[0]


@pytest.mark.parametrize(
    ("key", "path"),
    [
        ("user:42", b"/memory/desk/user%3A42"),
        ("a/b?c#d%2F", b"/memory/desk/a%2Fb%3Fc%23d%252F"),
        ("100%", b"/memory/desk/100%25"),
        ("%ff", b"/memory/desk/%25ff"),
        ("%2e%2e", b"/memory/desk/%252e%252e"),
        ("a//b/", b"/memory/desk/a%2F%2Fb%2F"),
        (" a+b ", b"/memory/desk/%20a%2Bb%20"),
        ("é😀", b"/memory/desk/%C3%A9%F0%9F%98%80"),
        ("...", b"/memory/desk/..."),
        ("~._-", b"/memory/desk/~._-"),
    ],
)
def test_a_key_is_one_path_segment(key, path):
    request = sent_by({}, lambda memory: memory.get(key))

    assert request.url.raw_path == path


@given(KEYS)
def test_every_key_reaches_the_wire_as_it_is(key):
    path = urlsplit(Calls("http://server", "desk").get_entry(key).url).path

    on_the_wire = httpx.URL(f"http://server{path}").raw_path.decode()

    assert on_the_wire.count("/") == 3
    assert unquote(on_the_wire.removeprefix("/memory/desk/"), errors="strict") == key


@given(KEYS)
def test_every_prefix_reaches_the_wire_as_it_is(prefix):
    url = httpx.URL(Calls("http://server", "desk").keys(prefix, "cursor&=").url)

    assert dict(url.params) == {"prefix": prefix, "cursor": "cursor&="}


@pytest.mark.parametrize(
    "key", ["", ".", "..", "a/..", "./a", "a/../b", "\x00", "a\nb", "\x7f", "\x85", "\ud800", "é" * 257, "a" * 513]
)
@pytest.mark.parametrize(
    "act",
    [
        lambda memory, key: memory.get(key),
        lambda memory, key: memory.set(key, 1),
        lambda memory, key: memory.delete(key),
        lambda memory, key: memory.exists(key),
        lambda memory, key: key in memory,
    ],
    ids=["get", "set", "delete", "exists", "in"],
)
def test_a_key_that_can_not_be_one_raises_before_any_request(key, act, recorded, requests_sent):
    with pytest.raises(InvalidKeyError) as caught:
        act(recorded, key)

    assert (caught.value.code, caught.value.status, caught.value.limit) == ("invalid_key", None, 512)
    assert isinstance(caught.value, ValueError)
    assert requests_sent == []


@pytest.mark.parametrize("key", [b"key", 42, None, ["key"]])
def test_a_key_that_is_no_str_raises_type_error(key, recorded, requests_sent):
    with pytest.raises(TypeError):
        recorded.get(key)
    with pytest.raises(TypeError):
        key in recorded  # noqa: B015

    assert requests_sent == []


def test_a_key_of_512_bytes_is_sent(recorded, requests_sent):
    recorded.get("é" * 256)

    assert len(requests_sent) == 1


@pytest.mark.parametrize("prefix", ["\n", "\ud800", "a" * 513])
def test_a_prefix_that_can_not_be_one_raises_at_once_and_before_any_request(prefix, recorded, requests_sent):
    with pytest.raises(InvalidPrefixError):
        recorded.items(prefix)
    with pytest.raises(InvalidPrefixError):
        recorded.clear(prefix)

    assert requests_sent == []


def test_clear_of_none_is_not_clear_of_everything(recorded, requests_sent):
    with pytest.raises(TypeError):
        recorded.clear(None)

    assert requests_sent == []


@pytest.mark.parametrize("name", ["", "-desk", ".", "a b", "a/b", "é", "a" * 65, "desk\n"])
def test_a_namespace_that_can_not_be_one_raises_when_the_memory_is_made(name):
    with pytest.raises(InvalidNamespaceError) as caught:
        Memory(name)

    assert isinstance(caught.value, ValueError)


def test_a_namespace_that_is_no_str_raises_type_error():
    with pytest.raises(TypeError):
        Memory(None)


def test_a_namespace_of_all_allowed_characters_reaches_the_wire_as_it_is():
    url = Calls("http://server", "aZ09_-.:@+").usage().url

    assert httpx.URL(url).raw_path == b"/namespaces/aZ09_-.:@+"


def test_set_sends_compact_utf_8():
    request = sent_by({}, lambda memory: memory.set("key", {"a": "ü"}))

    assert (request.method, request.content) == ("PUT", '{"value":{"a":"ü"}}'.encode())
    assert request.headers["Content-Type"] == "application/json"


@pytest.mark.parametrize(
    ("ttl", "sent"), [(60, "60"), (60.0, "60"), (0.5, "0.5"), (timedelta(minutes=1), "60"), (-1, "-1")]
)
def test_ttl_is_sent_in_seconds(ttl, sent):
    request = sent_by({}, lambda memory: memory.set("key", 1, ttl=ttl))

    assert request.content == b'{"value":1,"ttl":' + sent.encode() + b"}"


@pytest.mark.parametrize(
    ("act", "name", "text"),
    [
        (lambda memory: memory.set("key", 1, if_version=17), "If-Match", '"17"'),
        (lambda memory: memory.delete("key", if_version=17), "If-Match", '"17"'),
        (lambda memory: memory.set("key", 1, if_absent=True), "If-None-Match", "*"),
    ],
)
def test_a_condition_is_sent_as_a_header(act, name, text):
    assert sent_by({}, act).headers[name] == text


def test_a_plain_set_has_no_condition():
    headers = sent_by({}, lambda memory: memory.set("key", 1)).headers

    assert "If-Match" not in headers
    assert "If-None-Match" not in headers


@pytest.mark.parametrize(
    ("agent", "sent"),
    [
        ("quant-1", "quant-1"),
        ("Quant 1 (desk/tsla)", "Quant 1 (desk/tsla)"),
        ("100%", "100%25"),
        ("Jürgen", "J%C3%BCrgen"),
        ("a\nb", "a%0Ab"),
        (" padded name ", "%20padded%20name%20"),
    ],
)
def test_the_agent_s_name_is_readable_where_it_is_ascii(agent, sent):
    assert sent_by({"agent": agent}, lambda memory: memory.get("key")).headers["X-BotWire-Agent"] == sent


@pytest.mark.parametrize("agent", ["", "\ud800"])
def test_an_agent_s_name_that_can_not_be_one_raises_when_the_memory_is_made(agent):
    with pytest.raises(InvalidAgentError):
        Memory("desk", agent=agent)


def test_the_token_is_sent_as_a_bearer_token():
    request = sent_by({"token": "secret"}, lambda memory: memory.get("key"))

    assert request.headers["Authorization"] == "Bearer secret"


@pytest.mark.parametrize("token", ["", "sécret", "secret\n", "sec ret"])
def test_a_token_that_can_not_be_sent_is_refused_and_not_shown(token):
    with pytest.raises(ValueError, match="token is not a token") as caught:
        Memory("desk", token=token)

    assert token == "" or token not in str(caught.value)


def test_without_agent_and_token_nothing_tells_who_asks():
    headers = sent_by({}, lambda memory: memory.get("key")).headers

    assert "Authorization" not in headers
    assert "X-BotWire-Agent" not in headers


def test_the_server_is_the_argument_then_the_environment_then_the_hosted_service(monkeypatch):
    def get(memory: Memory) -> None:
        memory.get("key")

    hosted = sent_by({"base_url": None}, get)
    monkeypatch.setenv("BOTWIRE_URL", "http://environment:8000/")
    environment = sent_by({"base_url": None}, get)
    argument = sent_by({"base_url": "http://argument/botwire/"}, get)

    assert str(hosted.url) == "https://botwire.dev/memory/desk/key"
    assert str(environment.url) == "http://environment:8000/memory/desk/key"
    assert str(argument.url) == "http://argument/botwire/memory/desk/key"


@pytest.mark.parametrize(
    "url",
    ["localhost:8000", "ftp://server", "http://", "http://server/?a=b", "http://user:secret@server", "http://[::"],
)
def test_a_base_url_that_can_not_be_one_raises_when_the_memory_is_made(url):
    with pytest.raises(ValueError, match="base_url") as caught:
        Memory("desk", base_url=url)

    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("timeout", [0, -1, float("inf"), float("nan")])
def test_there_is_always_a_timeout(timeout):
    with pytest.raises(ValueError, match="timeout"):
        Memory("desk", timeout=timeout)
    with pytest.raises(TypeError, match="timeout"):
        Memory("desk", timeout=None)


def test_retries_can_not_be_negative():
    with pytest.raises(ValueError, match="retries"):
        Memory("desk", retries=-1)


def test_a_closed_memory_raises_runtime_error(recorded):
    recorded.close()

    with pytest.raises(RuntimeError, match="is closed"):
        recorded.get("key")


def test_a_memory_is_true_without_a_request(recorded, requests_sent):
    assert recorded
    assert requests_sent == []


def test_its_repr_shows_where_it_is_and_no_token():
    memory = Memory("desk", base_url="http://server", token="secret")

    assert repr(memory) == "Memory('desk', base_url='http://server')"
    assert "secret" not in repr(vars(memory))


def test_existence_is_asked_without_the_value():
    request = sent_by({}, lambda memory: memory.exists("a/b"))

    assert request.url.raw_path == b"/memory/desk?prefix=a%2Fb&limit=1"


def test_delete_does_not_take_somebody_else_s_404_for_a_missing_key():
    page = httpx.Response(404, html="<h1>Not found</h1>")

    with (
        Memory("desk", base_url="http://server", transport=httpx.MockTransport(lambda _: page)) as memory,
        pytest.raises(NotFoundError),
    ):
        memory.delete("key")


def test_json_of_a_set_is_what_the_contract_says():
    request = sent_by({}, lambda memory: memory.set("key", [None, {"a": 1}], ttl=5))

    assert json.loads(request.content) == {"value": [None, {"a": 1}], "ttl": 5}
