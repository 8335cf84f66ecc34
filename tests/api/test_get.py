"""GET /memory/{namespace}/{key}: what went in comes out."""

import pytest

from tests.namespaces.corpus import KEYS, VALUES

pytestmark = pytest.mark.django_db


def test_the_answer_is_the_entry(put, get, namespace):
    written = put("k", {"a": [1, None]}, ttl=60, X_BotWire_Agent="quant").json()

    answer = get("k")

    assert answer.status_code == 200
    assert answer["ETag"] == '"1"'
    assert answer.json() == {
        "namespace": namespace,
        "key": "k",
        "value": {"a": [1, None]},
        "version": 1,
        "writer": {"name": "quant", "verified": False},
        "created_at": written["created_at"],
        "updated_at": written["updated_at"],
        "expires_at": written["expires_at"],
    }


def test_a_writer_without_a_name_is_null(put, get):
    put("k")

    assert get("k").json()["writer"] is None


@pytest.mark.parametrize("text", VALUES)
def test_a_value_comes_back_as_the_text_that_was_sent(put, get, text):
    assert put("k", body=f'{{"value": {text}}}'.encode()).status_code == 201

    assert f'"value": {text}, "version"'.encode() in get("k").content


def test_white_space_around_a_value_is_not_part_of_it(put, get):
    put("k", body='{"ttl":9,\n "value" :\t[1,  2] \r\n}')

    assert b'"value": [1,  2], "version"' in get("k").content


@pytest.mark.parametrize(("encoded", "key"), KEYS)
def test_any_key_works(put, get, delete, encoded, key):
    assert put(encoded).json()["key"] == key

    assert get(encoded).json()["key"] == key
    assert delete(encoded).json()["key"] == key


def test_keys_are_not_normalised(put, get):
    put("caf%C3%A9", 1)

    assert get("cafe%CC%81").status_code == 404


def test_an_unknown_key_and_an_unknown_namespace_answer_alike(put, get, api):
    put("k")

    assert get("other").json()["code"] == "key_not_found"
    assert api.get("/memory/nobody-wrote-here/other").json()["code"] == "key_not_found"


def test_an_expired_entry_is_gone_at_once(put, get):
    put("k", ttl=0.000001)

    assert get("k").status_code == 404


@pytest.mark.parametrize("tag", ['"1"', 'W/"1"', '"7", "1"', "*"])
def test_not_modified_has_no_body(put, get, tag):
    put("k")

    answer = get("k", If_None_Match=tag)

    assert answer.status_code == 304
    assert answer.content == b""
    assert answer["ETag"] == '"1"'


@pytest.mark.parametrize("tag", ['"2"', "1", "", '"other'])
def test_another_tag_gives_the_entry(put, get, tag):
    put("k")

    assert get("k", If_None_Match=tag).status_code == 200


def test_head_answers_as_get_without_a_body(put, api, namespace):
    put("k")

    answer = api.head(f"/memory/{namespace}/k")

    assert answer.status_code == 200
    assert answer["ETag"] == '"1"'
    assert answer.content == b""


def test_any_accept_header_gets_json(put, get):
    put("k")

    assert get("k", Accept="text/html")["Content-Type"] == "application/json"
