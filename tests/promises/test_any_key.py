"""Any key: 1 to 512 bytes of UTF-8, whatever they mean to a path, a query or a database; compared byte for byte."""

from urllib.parse import quote

import pytest

from tests.promises.racing import outcome_of

KEYS = [
    " ",
    " padded ",
    "%",
    "%2F",
    "%FF",
    "'; DROP TABLE namespaces_entry; --",
    "+",
    "...",
    ".hidden",
    "/",
    "//",
    "100%",
    "A",
    "_",
    "a",
    "a/",
    "a/b",
    "a//b",
    "a;b=c",
    "a\\b",
    "e\u0301",
    "user:42",
    "what?not#this",
    "{0} %s %(key)s",
    "\u00e9",
    "\u202e",
    "\uffff",
    "😀",
    "k" * 512,
    "€" * 170 + "kk",
]
REFUSED = [
    pytest.param("%00", id="NUL"),
    pytest.param("a%0Ab", id="control character"),
    pytest.param("%C2%80", id="C1 control character"),
    pytest.param("%ff", id="not UTF-8"),
    pytest.param("%ED%A0%80", id="surrogate"),
    pytest.param("%2E%2E", id="dot dot"),
    pytest.param("a/%2e/b", id="dot"),
    pytest.param("k" * 513, id="513 bytes"),
    pytest.param("%E2%82%AC" * 171, id="513 bytes of UTF-8"),
    pytest.param("", id="empty"),
]


def test_every_key_is_one_of_its_own(server, namespace, http):
    for number, key in enumerate(KEYS):
        assert http.put(path_of(namespace, key), json={"value": number}).status_code == 201

    assert [http.get(path_of(namespace, key)).json()["value"] for key in KEYS] == list(range(len(KEYS)))
    assert http.get(f"/memory/{namespace}").json()["keys"] == sorted(KEYS, key=str.encode)


@pytest.mark.parametrize("encoded", REFUSED)
def test_what_can_not_be_a_key_is_refused_and_makes_no_namespace(server, namespace, http, encoded):
    answer = http.put(f"/memory/{namespace}/{encoded}", json={"value": 1})

    assert outcome_of(answer) == (400, "invalid_key")
    assert http.get(f"/namespaces/{namespace}").status_code == 404


def path_of(namespace, key):
    return f"/memory/{namespace}/{quote(key, safe='')}"
