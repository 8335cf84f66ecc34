"""Changes to one entry: append, pop, increment, merge, patch."""

import json

import pytest

from namespaces.models import Change, Namespace
from tests.factories import NamespaceFactory
from tests.rows import NO_ROWS, all_rows, assert_counters_exact

pytestmark = pytest.mark.django_db


def put_text(put, text, key="k", **more):
    answer = put(key, body=f'{{"value": {text}}}', **more)
    assert answer.status_code < 300
    return answer


def stored(get, key="k"):
    """The text of the value, out of the answer."""
    return get(key).content.decode().partition('"value": ')[2].partition(', "version": ')[0]


def test_append_makes_a_list_and_adds_to_it(patch, get, namespace):
    first = patch("k", "append", value="a")
    second = patch("k", "append", value={"b": None})

    assert (first.status_code, second.status_code) == (201, 200)
    body = second.json()
    assert body == {
        "namespace": namespace,
        "key": "k",
        "version": 2,
        "stored": True,
        "bytes": 18,
        "value": ["a", {"b": None}],
        "created_at": first.json()["created_at"],
        "updated_at": body["updated_at"],
        "expires_at": None,
        "length": 2,
    }
    assert second["ETag"] == '"2"'
    assert second["RateLimit-Remaining"] == "998"
    assert get("k").json()["value"] == ["a", {"b": None}]
    assert_counters_exact(namespace)


def test_every_change_is_a_set_in_the_log(patch, namespace):
    patch("k", "append", value=1, headers={"X-BotWire-Agent": "quant"})
    patch("k", "pop")

    logged = Change.objects.filter(namespace_id=namespace).order_by("revision")

    assert list(logged.values_list("revision", "kind", "key", "value", "writer")) == [
        (1, "set", "k", "[1]", "quant"),
        (2, "set", "k", "[]", ""),
    ]


def test_append_keeps_the_newest(patch):
    for number in range(5):
        kept = patch("k", "append", value=number, max_length=3)

    assert kept.json()["value"] == [2, 3, 4]
    assert kept.json()["length"] == 3


MERGED = '{ "a" : 1e3, "b":{"c": 1.50, "d":3}}'
EXACT = [
    ("[1e3, 2 ]", {"op": "append", "value": 7}, "[1e3, 2,7]"),
    ("[ ]", {"op": "append", "value": 7}, "[7]"),
    ("[1e3 , 1.0, 2]", {"op": "pop"}, "[1e3 , 1.0]"),
    ("[1e3 , 1.0, 2]", {"op": "pop", "from": "first"}, "[1.0, 2]"),
    ('{ "a" : 1e3, "b": {"c": 1.50, "d": 2} }', {"op": "merge", "patch": {"b": {"d": 3}}}, MERGED),
    ('{ "a" : 1e3, "b": 1 }', {"op": "merge", "patch": {"b": None}}, '{ "a" : 1e3}'),
    ('["\\u00e9", 1e3, [ 1.0 ]]', {"op": "patch", "patch": [{"op": "remove", "path": "/1"}]}, '["\\u00e9", [ 1.0 ]]'),
    (
        '{"\\u0061": 1E+2}',
        {"op": "patch", "patch": [{"op": "add", "path": "/b", "value": 1}]},
        '{"\\u0061": 1E+2,"b":1}',
    ),
    ('{"a": 1, "b": 1e3, "a": 2}', {"op": "merge", "patch": {"c": 3}}, '{ "a": 2, "b": 1e3,"c":3}'),
]


@pytest.mark.parametrize(("before", "change", "after"), EXACT)
def test_what_is_not_changed_keeps_its_text(put, patch, get, before, change, after):
    put_text(put, before)

    answer = patch("k", body=json.dumps(change))

    assert answer.status_code == 200
    assert stored(get) == after


def test_pop_tells_what_it_took_in_order(put, patch):
    put_text(put, '["a", "b", [1, "c,]"], 1e2]')

    last, first, rest = patch("k", "pop", count=2), patch("k", "pop", from_="first"), patch("k", "pop", count=9)

    assert b'"popped": [[1, "c,]"], 1e2]' in last.content
    assert (last.json()["length"], last.json()["value"]) == (2, ["a", "b"])
    assert first.json()["popped"] == ["a"]
    assert rest.json()["popped"] == ["b"]


def test_pop_of_an_empty_list_writes_nothing(put, patch):
    put("k", [])
    before = all_rows()

    answer = patch("k", "pop")

    assert answer.status_code == 200
    assert (answer.json()["popped"], answer.json()["stored"], answer.json()["version"]) == ([], False, 1)
    assert answer["RateLimit-Remaining"] == "999"
    assert all_rows() == before


SUMS = [
    ("1", 1, "2"),
    ("9" * 40, 1, "1" + "0" * 40),
    ("-1", "-" + "9" * 30, "-1" + "0" * 30),
    ("0.1", 0.2, "0.30000000000000004"),
    ("1", 0.5, "1.5"),
    ("1e3", 1, "1001.0"),
    ("9007199254740993", 0, "9007199254740993"),
]


@pytest.mark.parametrize(("before", "by", "after"), SUMS)
def test_increment_adds(put, patch, get, before, by, after):
    put_text(put, before)

    answer = patch("k", body=f'{{"op": "increment", "by": {by}}}')

    assert answer.status_code == 200
    assert stored(get) == after


@pytest.mark.parametrize(("before", "by"), [("9" * 4_300, 1), ("1e308", "1e308"), ("9" * 400, 0.5)])
def test_a_sum_that_cannot_be_stored_is_refused(put, patch, before, by):
    put_text(put, before)
    rows = all_rows()

    refused = patch("k", body=f'{{"op": "increment", "by": {by}}}')

    assert refused.status_code == 409
    assert refused.json()["code"] == "number_out_of_range"
    assert all_rows() == rows


def test_increment_by_one_is_the_default(patch):
    assert patch("k", "increment", initial=0).json()["value"] == 1
    assert patch("k", "increment").json()["value"] == 2


# RFC 7396, appendix A, where the target is an object or the patch none.
MERGES = [
    ('{"a":"b"}', '{"a":"c"}', '{"a":"c"}'),
    ('{"a":"b"}', '{"b":"c"}', '{"a":"b","b":"c"}'),
    ('{"a":"b"}', '{"a":null}', "{}"),
    ('{"a":"b","b":"c"}', '{"a":null}', '{"b":"c"}'),
    ('{"a":["b"]}', '{"a":"c"}', '{"a":"c"}'),
    ('{"a":"c"}', '{"a":["b"]}', '{"a":["b"]}'),
    ('{"a":{"b":"c"}}', '{"a":{"b":"d","c":null}}', '{"a":{"b":"d"}}'),
    ('{"a":[{"b":"c"}]}', '{"a":[1]}', '{"a":[1]}'),
    ('["a","b"]', '["c","d"]', '["c","d"]'),
    ('{"a":"b"}', '["c"]', '["c"]'),
    ('{"a":"foo"}', "null", "null"),
    ('{"a":"foo"}', '"bar"', '"bar"'),
    ('{"e":null}', '{"a":1}', '{"e":null,"a":1}'),
    ("{}", '{"a":{"bb":{"ccc":null}}}', '{"a":{"bb":{}}}'),
]


@pytest.mark.parametrize(("before", "change", "after"), MERGES)
def test_merge_is_that_of_rfc_7396(put, patch, get, before, change, after):
    put_text(put, before)

    answer = patch("k", body=change, content_type="application/merge-patch+json")

    assert answer.status_code == 200
    assert stored(get) == after


# RFC 6902, appendix A, and what the public json-patch-tests ask beside.
PATCHES = [
    ('{"foo":"bar"}', '[{"op":"add","path":"/baz","value":"qux"}]', {"foo": "bar", "baz": "qux"}),
    ('{"foo":["bar","baz"]}', '[{"op":"add","path":"/foo/1","value":"qux"}]', {"foo": ["bar", "qux", "baz"]}),
    ('{"baz":"qux","foo":"bar"}', '[{"op":"remove","path":"/baz"}]', {"foo": "bar"}),
    ('{"foo":["bar","qux","baz"]}', '[{"op":"remove","path":"/foo/1"}]', {"foo": ["bar", "baz"]}),
    ('{"baz":"qux","foo":1}', '[{"op":"replace","path":"/baz","value":"boo"}]', {"baz": "boo", "foo": 1}),
    (
        '{"foo":{"bar":"baz","waldo":"fred"},"qux":{"corge":"grault"}}',
        '[{"op":"move","from":"/foo/waldo","path":"/qux/thud"}]',
        {"foo": {"bar": "baz"}, "qux": {"corge": "grault", "thud": "fred"}},
    ),
    (
        '{"foo":["all","grass","cows","eat"]}',
        '[{"op":"move","from":"/foo/1","path":"/foo/3"}]',
        {"foo": ["all", "cows", "eat", "grass"]},
    ),
    (
        '{"baz":"qux","foo":["a",2,"c"]}',
        '[{"op":"test","path":"/baz","value":"qux"},{"op":"test","path":"/foo/1","value":2}]',
        {"baz": "qux", "foo": ["a", 2, "c"]},
    ),
    (
        '{"foo":"bar"}',
        '[{"op":"add","path":"/child","value":{"grandchild":{}}}]',
        {"foo": "bar", "child": {"grandchild": {}}},
    ),
    ('{"foo":"bar"}', '[{"op":"add","path":"/baz","value":"qux","xyz":123}]', {"foo": "bar", "baz": "qux"}),
    ('{"/":9,"~1":10}', '[{"op":"test","path":"/~01","value":10}]', {"/": 9, "~1": 10}),
    ('{"foo":["bar"]}', '[{"op":"add","path":"/foo/-","value":["abc","def"]}]', {"foo": ["bar", ["abc", "def"]]}),
    ('{"foo":1}', '[{"op":"replace","path":"","value":[2]}]', [2]),
    ("[1,2]", '[{"op":"add","path":"/2","value":3}]', [1, 2, 3]),
    ('{"":1}', '[{"op":"replace","path":"/","value":2}]', {"": 2}),
    (
        '{"a":[1,[2,3]]}',
        '[{"op":"copy","from":"/a/1","path":"/b"},{"op":"add","path":"/b/0","value":9}]',
        {"a": [1, [2, 3]], "b": [9, 2, 3]},
    ),
    ('{"a":{"b":1.0,"c":[]}}', '[{"op":"test","path":"/a","value":{"c":[],"b":1}}]', {"a": {"b": 1.0, "c": []}}),
    ('{"a":null}', '[{"op":"test","path":"/a","value":null}]', {"a": None}),
    ("{}", "[]", {}),
]


@pytest.mark.parametrize(("before", "operations", "after"), PATCHES)
def test_patch_is_that_of_rfc_6902(put, patch, get, before, operations, after):
    put_text(put, before)

    answer = patch("k", body=operations, content_type="application/json-patch+json")

    assert answer.status_code == 200, answer.content
    assert answer.json()["value"] == after
    assert get("k").json()["value"] == after


UNFIT = [
    ('{"baz":"qux"}', '[{"op":"test","path":"/baz","value":"bar"}]', "precondition_failed"),
    ('{"a":1}', '[{"op":"test","path":"/a","value":true}]', "precondition_failed"),
    ('{"a":"10"}', '[{"op":"test","path":"/a","value":10}]', "precondition_failed"),
    ('{"a":1}', '[{"op":"add","path":"/b","value":1},{"op":"test","path":"/b","value":2}]', "precondition_failed"),
    ('{"foo":"bar"}', '[{"op":"add","path":"/baz/bat","value":"qux"}]', "patch_failed"),
    ("[1]", '[{"op":"add","path":"/5","value":1}]', "patch_failed"),
    ("[1,2]", '[{"op":"test","path":"/01","value":2}]', "precondition_failed"),
    ("[1,2]", '[{"op":"remove","path":"/01"}]', "patch_failed"),
    ("[1]", '[{"op":"remove","path":"/-"}]', "patch_failed"),
    ("{}", '[{"op":"remove","path":"/a"}]', "patch_failed"),
    ("{}", '[{"op":"replace","path":"/a","value":1}]', "patch_failed"),
    ("{}", '[{"op":"copy","from":"/a","path":"/b"}]', "patch_failed"),
    ('{"a":{}}', '[{"op":"move","from":"/a","path":"/a/b"}]', "patch_failed"),
    ('"text"', '[{"op":"add","path":"/0","value":1}]', "patch_failed"),
    ("{}", '[{"op":"remove","path":""}]', "patch_failed"),
]


@pytest.mark.parametrize(("before", "operations", "code"), UNFIT)
def test_a_patch_that_does_not_fit_changes_nothing(put, patch, before, operations, code):
    put_text(put, before)
    rows = all_rows()

    refused = patch("k", body=operations, content_type="application/json-patch+json")

    assert refused.json()["code"] == code
    assert refused.json()["current_version"] == 1
    assert all_rows() == rows


MALFORMED = [
    '{"op":"add"}',
    "[1]",
    '[{"path":"/a","value":1}]',
    '[{"op":"spam","path":"/a"}]',
    '[{"op":"add","path":"/a"}]',
    '[{"op":"add","value":1}]',
    '[{"op":"add","path":"a","value":1}]',
    '[{"op":"add","path":"/~2","value":1}]',
    '[{"op":"add","path":1,"value":1}]',
    '[{"op":"move","path":"/a"}]',
    '[{"op":"copy","from":"x","path":"/a"}]',
    '[{"op":"add","op":"add","path":"/a","value":1}]',
    json.dumps([{"op": "test", "path": "", "value": 1}] * 501),
]


@pytest.mark.parametrize("operations", MALFORMED)
def test_what_is_no_patch_is_refused(put, patch, operations):
    put("k", {})

    refused = patch("k", body=operations, content_type="application/json-patch+json")

    assert refused.status_code == 400
    assert refused.json()["code"] == "invalid_patch"


def test_copies_that_double_a_value_are_stopped(put, patch):
    put("k", {"a": "x" * 1_000})
    doubling = [{"op": "copy", "from": "", "path": f"/{number}"} for number in range(100)]

    refused = patch("k", "patch", patch=doubling)

    assert refused.json()["code"] in ("value_too_large", "json_too_deep")


BAD_BODIES = [
    "[]",
    "{}",
    '{"op": 1}',
    '{"op": "spam"}',
    '{"op": "append"}',
    '{"op": "append", "value": 1, "max_length": 0}',
    '{"op": "append", "value": 1, "extra": 0}',
    '{"op": "append", "value": 1, "value": 0}',
    '{"op": "pop", "count": 0}',
    '{"op": "pop", "count": 1.5}',
    '{"op": "pop", "from": "middle"}',
    '{"op": "increment", "by": "1"}',
    '{"op": "increment", "by": null}',
    '{"op": "merge"}',
]


@pytest.mark.parametrize("body", BAD_BODIES)
def test_a_body_that_is_no_change_is_refused(put, patch, body):
    put("k", [])
    before = all_rows()

    refused = patch("k", body=body)

    assert refused.status_code == 400
    assert refused.json()["code"] in ("invalid_body", "invalid_json")
    assert all_rows() == before


CHANGES = [
    {"op": "pop"},
    {"op": "increment"},
    {"op": "merge", "patch": {}},
    {"op": "patch", "patch": []},
]


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change["op"])
def test_a_missing_target_is_refused_and_no_namespace_made(patch, change):
    refused = patch("k", body=json.dumps(change))

    assert refused.status_code == 409
    assert refused.json()["code"] == "target_missing"
    assert all_rows() == NO_ROWS


@pytest.mark.parametrize("change", [{"op": "append", "value": 1}, *CHANGES[:3]], ids=lambda change: change["op"])
def test_a_value_of_another_type_is_left_alone(put, patch, change):
    put("k", "text")
    before = all_rows()

    refused = patch("k", body=json.dumps(change))

    assert refused.status_code == 409
    problem = refused.json()
    assert (problem["code"], problem["current_type"], problem["current_version"]) == ("wrong_type", "string", 1)
    assert refused["ETag"] == '"1"'
    assert all_rows() == before


def test_an_initial_value_stands_in_for_a_missing_entry(patch):
    merged = patch("m", "merge", patch={"a": 1}, initial={"b": 2})
    patched = patch("p", "patch", patch=[{"op": "add", "path": "/-", "value": 1}], initial=[0])

    assert (merged.status_code, merged.json()["value"]) == (201, {"b": 2, "a": 1})
    assert (patched.status_code, patched.json()["value"]) == (201, [0, 1])


def test_the_time_to_live_stays_unless_another_is_given(put, patch):
    lasting = put("k", [], ttl=100).json()["expires_at"]

    kept = patch("k", "append", value=1)
    changed = patch("k", "append", value=1, ttl=10)

    assert kept.json()["expires_at"] == lasting
    assert changed.json()["expires_at"] < lasting


def test_an_expired_entry_is_missing(put, patch):
    put("k", [1], ttl=0.000001)

    again = patch("k", "append", value=2)

    assert (again.status_code, again.json()["value"]) == (201, [2])


def test_conditions_hold_for_changes(put, patch):
    put("k", [])

    assert patch("k", "append", value=1, headers={"If-Match": '"7"'}).json()["current_version"] == 1
    assert patch("k", "append", value=1, headers={"If-None-Match": "*"}).status_code == 412
    assert patch("k", "append", value=1, headers={"If-Match": '"1"'}).status_code == 200
    assert patch("new", "append", value=1, headers={"If-None-Match": "*"}).status_code == 201


def test_prefer_minimal_leaves_the_value_out(patch):
    answer = patch("k", "append", value=1, headers={"Prefer": "return=minimal"})

    assert "value" not in answer.json()
    assert answer.json()["length"] == 1
    assert answer["Preference-Applied"] == "return=minimal"


def test_limits_hold_for_changes(put, patch, namespace, api):
    NamespaceFactory(name=namespace, limit_writes_per_day=2, limit_bytes=30, limit_value_bytes=20)
    put("k", "x" * 10, body='{"value": ["1234567890"]}')
    before = all_rows()

    too_large = patch("k", "append", value="1234567890")
    Namespace.objects.filter(name=namespace).update(limit_value_bytes=1_000)
    too_much = patch("k", "append", value="1234567890123456")
    patch("k", "append", value=1)
    too_many = patch("k", "append", value=1)

    assert [answer.json()["code"] for answer in (too_large, too_much, too_many)] == [
        "value_too_large",
        "storage_limit",
        "daily_write_limit",
    ]
    assert before["Entry"][0]["version"] == 1


def test_a_change_makes_room_by_what_has_expired(put, patch, namespace):
    NamespaceFactory(name=namespace, limit_bytes=40)
    put("old", "x" * 20, ttl=0.000001)

    assert patch("k", "append", value="y" * 20).status_code == 201
    assert_counters_exact(namespace)


@pytest.mark.parametrize("status", ["read_only", "suspended"])
def test_a_restricted_namespace_takes_no_change(put, patch, namespace, status):
    put("k", [])
    Namespace.objects.filter(name=namespace).update(status=status)

    assert patch("k", "append", value=1).json()["code"] == f"namespace_{status}"


def test_appending_too_deep_is_refused(put, patch):
    put("k", [])
    deep = "[" * 64 + "]" * 64

    assert patch("k", body=f'{{"op": "append", "value": {deep}}}').json()["code"] == "json_too_deep"
