"""If-Match and If-None-Match on writes (RFC 9110 section 13)."""

import pytest

from tests.rows import NO_ROWS, all_rows

pytestmark = pytest.mark.django_db


def test_if_none_match_star_creates_once(put):
    assert put("k", 1, If_None_Match="*").status_code == 201

    refused = put("k", 2, If_None_Match="*")

    assert refused.status_code == 412
    assert refused.json()["code"] == "precondition_failed"
    assert refused.json()["current_version"] == 1
    assert refused["ETag"] == '"1"'


def test_if_none_match_star_counts_an_expired_entry_as_none(put):
    put("k", ttl=0.000001)

    assert put("k", If_None_Match="*").status_code == 201


@pytest.mark.parametrize("header", ['"1"', '"7","1"', '"7" , "1"', "*", ' "1"'])
def test_a_matching_version_is_replaced(put, header):
    put("k")

    assert put("k", 2, If_Match=header).json()["version"] == 2


@pytest.mark.parametrize("header", ['"2"', '"0"', '"999999999999999999"'])
def test_another_version_is_left_alone(put, header):
    put("k")
    before = all_rows()

    refused = put("k", 2, If_Match=header)

    assert refused.status_code == 412
    assert refused.json()["current_version"] == 1
    assert all_rows() == before


@pytest.mark.parametrize("header", ["*", '"1"'])
def test_if_match_of_nothing_fails_and_makes_no_namespace(put, delete, header):
    refused = put("k", 1, If_Match=header), delete("k", If_Match=header)

    assert [answer.status_code for answer in refused] == [412, 412]
    assert [answer.json()["current_version"] for answer in refused] == [None, None]
    assert all_rows() == NO_ROWS


def test_delete_takes_conditions(put, delete):
    put("k")

    assert delete("k", If_Match='"7"').status_code == 412
    assert delete("k", If_Match='"1"').status_code == 200
    assert delete("k", If_Match="*").status_code == 412


MALFORMED = ["", "1", '"٣"', '"1_000"', '"' + "1" * 30 + '"', 'W/"1"', '"1" "2"', '"1",', '"-1"', '" 1"', '"1', "*, *"]


@pytest.mark.parametrize("header", MALFORMED)
def test_if_match_that_is_no_version_is_refused(put, delete, header):
    put("k")
    before = all_rows()

    refused = put("k", 2, If_Match=header), delete("k", If_Match=header)

    assert [answer.status_code for answer in refused] == [400, 400]
    assert [answer.json()["code"] for answer in refused] == ["invalid_condition", "invalid_condition"]
    assert all_rows() == before


@pytest.mark.parametrize("header", ["", '"1"', "**"])
def test_if_none_match_of_a_write_is_star_or_refused(put, header):
    assert put("k", If_None_Match=header).json()["code"] == "invalid_condition"


def test_both_at_once_are_refused(put):
    assert put("k", If_None_Match="*", If_Match="*").json()["code"] == "invalid_condition"


def test_a_version_never_comes_back(put, delete):
    put("k")
    delete("k")
    put("k")

    assert put("k", If_Match='"1"').json()["current_version"] == 3
