"""Exact: what comes back is the text that went in, byte for byte, after a restart of nothing but the connection."""

import pytest

from tests.promises.books import books_of
from tests.promises.racing import client_of

VALUES = [
    "42",
    '"42"',
    "[1]",
    '"[1]"',
    "null",
    "true",
    '"true"',
    '""',
    "0",
    "-0",
    "-0.0",
    "0.10",
    "1e3",
    "1E+2",
    "1.0e-07",
    "5e-324",
    "0.1000000000000000055511151231257827",
    "9007199254740993",
    pytest.param("1" + "0" * 400, id="10**400"),
    pytest.param("-" + "9" * 4_300, id="4,300 digits"),
    "[]",
    "{}",
    '{"b": {"z": 1, "a": 2}, "a": [1, 1.0, 1e0]}',
    '{"twice": 1, "twice": 2}',
    '{ "spaced" :\t[ 1 ,\r\n 2 ] }',
    r'"\u0000"',
    r'"\/ \" \\ \b\f\n\r\t"',
    r'"\ud83d\ude00"',
    r'"\u00e9 and e\u0301"',
    '"😀 é e\u0301 \u2028 \u202e \ufeff \uffff \x7f"',
    '{"%s": "%(key)s ? :key $1 {0}"}',
    '"\'; DROP TABLE namespaces_entry; --"',
    pytest.param("[" * 64 + "]" * 64, id="64 levels"),
]


@pytest.mark.parametrize("text", VALUES)
def test_a_value_comes_back_byte_for_byte(server, namespace, text):
    path = f"/memory/{namespace}/key"
    with client_of(server.url) as writer:
        written = put(writer, path, text)

    with client_of(server.url) as reader:
        found = reader.get(path)
        listed = reader.get(f"/memory/{namespace}", params={"include": "values"})

    assert written.status_code == 201
    assert written.json()["bytes"] == len("key") + len(text.encode())
    assert f'"key": "key", "value": {text}, "version": 1, '.encode() in found.content
    assert f'"key": "key", "value": {text}, "version": 1, '.encode() in listed.content
    assert books_of(server, namespace).entries == {"key": (1, text)}


def test_white_space_around_a_value_is_not_part_of_it(server, namespace, http):
    path = f"/memory/{namespace}/key"

    put(http, path, " \r\n\t[1, 2] \n")

    assert b'"value": [1, 2], "version"' in http.get(path).content


def test_null_is_a_value_and_not_a_deletion(server, namespace, http):
    path = f"/memory/{namespace}/key"
    put(http, path, "1")

    put(http, path, "null")

    assert http.get(path).json()["value"] is None
    assert http.get(f"/memory/{namespace}").json()["keys"] == ["key"]
    assert http.get(f"/memory/{namespace}/missing").status_code == 404
    assert http.put(path, json={"value": 1}, headers={"If-None-Match": "*"}).status_code == 412


def put(client, path, text):
    """Send the text of a value as it stands; httpx would write it anew."""
    return client.put(path, content=f'{{"value": {text}}}'.encode(), headers={"Content-Type": "application/json"})
