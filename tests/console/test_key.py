"""`/admin/namespaces/<namespace>/key/`: looking at an entry, and changing it on the condition that it is as it was."""

import shlex
from datetime import timedelta
from html import unescape
from re import DOTALL, findall, sub

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from api.requests import unquote_to_bytes
from namespaces import clock, reading, removal, writing
from namespaces.callers import Caller
from namespaces.models import Entry, ModerationAction, Namespace
from tests.console.memories import HOSTILE_KEYS, HOSTILE_VALUES, page, remember
from tests.plans import assert_by_index
from tests.rows import all_rows


def text_of(answer):
    """What a page says, markup left out."""
    return unescape(sub(r"<[^>]+>", "", answer.content.decode()))


def value_in_form(answer):
    return unescape(findall(r"<textarea[^>]*>\n(.*?)</textarea>", answer.content.decode(), DOTALL)[0])


def field_of(answer, name):
    return unescape(findall(rf'name="{name}" value="([^"]*)"', answer.content.decode())[0])


def post(browser, namespace, key="k", **fields):
    given = {"action": "edit", "key": key, "version": "1", "value": "2", "reason": "it was wrong", **fields}
    return browser.post(page(namespace, "key", key=key), given)


# --- looking


def test_an_entry_is_shown_with_all_there_is_to_know(viewer, namespace):
    remember(namespace, "k", '{"a": [1, "x"]}', ttl=3600)

    answer = viewer.get(page(namespace, "key", key="k"))

    told = text_of(answer)
    for shown in ('"1"', "agent-7", '"a": […] 2', '1: "x"', f"curl http://testserver/memory/{namespace}/k"):
        assert shown in told
    expires_at = Entry.objects.get().expires_at
    assert f'data-until="{expires_at.isoformat()}"' in answer.content.decode()


@pytest.mark.parametrize("view", ["tree", "raw", "diff", "edit"])
@pytest.mark.parametrize("text", HOSTILE_VALUES)
def test_a_value_is_shown_as_it_is_stored(moderator, namespace, text, view):
    remember(namespace, "k", text)

    answer = moderator.get(page(namespace, "key", key="k", view=view))

    body = answer.content.decode()
    assert answer.status_code == 200
    assert not {"<script>alert", "<img", "</textarea><img"} & {body[at : at + 13] for at in range(len(body))}
    if view == "raw":
        shown = text.replace("\u202e", "\\u202e").replace("\u2028", "\\u2028")
        raw = findall(r'<pre class="raw"[^>]*>(.*?)</pre>', body, DOTALL)[0]
        assert unescape(sub(r"</?span[^>]*>", "", raw)) == shown
    if view == "edit":
        assert value_in_form(answer) == text


def test_an_escape_that_is_stored_is_told_from_one_that_is_shown(viewer, namespace):
    remember(namespace, "k", '"\u202e \\u202e"')

    body = viewer.get(page(namespace, "key", key="k")).content.decode()

    assert '&quot;<span class="escape">\\u202e</span> \\u202e&quot;' in body


@pytest.mark.parametrize("key", HOSTILE_KEYS)
def test_a_command_reads_exactly_this_key_in_a_shell(viewer, namespace, key):
    remember(namespace, key)

    answer = viewer.get(page(namespace, "key", key=key))

    commands = [unescape(found) for found in findall(r"<dd><pre[^>]*>(.*?)</pre>", answer.content.decode())]
    prefix = f"http://testserver/memory/{namespace}/"
    for command in commands:
        (address,) = [word for word in shlex.split(command) if word.startswith("http")]
        assert unquote_to_bytes(address.removeprefix(prefix)).decode() == key
        assert "/" not in address.removeprefix(prefix)
    assert ['If-Match: "1"' in shlex.split(command) for command in commands] == [False, True, True]


@pytest.mark.parametrize(
    "text",
    ['"' + "x" * 1_048_574 + '"', "[" + "[]," * 349_000 + "1]", '{"k": [' + '"<b>",' * 170_000 + "1]}"],
    ids=["string", "list", "markup"],
)
@pytest.mark.parametrize("view", ["tree", "raw", "diff"])
def test_a_mebibyte_is_shown_in_parts(viewer, namespace, text, view):
    remember(namespace, "k", text)
    remember(namespace, "k", text.replace("x", "y").replace("1]", "2]"))

    answer = viewer.get(page(namespace, "key", key="k", view=view))

    assert answer.status_code == 200
    assert len(answer.content) < 700_000
    assert view == "diff" or "Show more" in answer.content.decode()


def test_more_of_a_value_is_shown_by_address(viewer, namespace):
    remember(namespace, "k", "[" + ",".join(str(number) for number in range(250)) + "]")

    first = viewer.get(page(namespace, "key", key="k"))
    to = unescape(findall(r'<a href="([^"]+)">Show more', first.content.decode())[0])

    assert "99: 99" in text_of(first)
    assert "100: 100" not in text_of(first)
    assert "100: 100" in text_of(viewer.get(to))
    assert viewer.get(page(namespace, "key", key="k", at=9_999)).status_code == 200


def test_the_difference_is_to_the_version_before(viewer, namespace):
    remember(namespace, "k", '{"a": 1, "b": 2}')
    remember(namespace, "other")
    remember(namespace, "k", '{"a": 1, "b": 3}')

    told = text_of(viewer.get(page(namespace, "key", key="k", view="diff")))

    assert '-   "b": 2' in told
    assert '+   "b": 3' in told
    assert "From version 1 to version 3" in told


def test_an_older_version_can_be_looked_at(viewer, namespace):
    remember(namespace, "k", '"first"')
    remember(namespace, "k", '"second"')

    answer = viewer.get(page(namespace, "key", key="k", version=1))

    assert "Value at version 1" in text_of(answer)
    assert "&quot;first&quot;" in answer.content.decode()
    assert "no value of version 7" in text_of(viewer.get(page(namespace, "key", key="k", version=7)))


def test_a_key_that_never_was_is_an_error(viewer, namespace):
    remember(namespace, "k")

    assert viewer.get(page(namespace, "key", key="other")).status_code == 404
    assert viewer.get(page(namespace, "key", key="")).status_code == 400


def test_a_deleted_key_tells_who_deleted_it(viewer, namespace):
    remember(namespace, "k")
    writing.delete_entry(namespace, "k", caller=Caller("janitor"))

    answer = viewer.get(page(namespace, "key", key="k"))

    assert answer.status_code == 200
    assert "revision 2 (delete) removed it, by janitor self-declared" in text_of(answer)


def test_an_expired_entry_is_not_shown_as_one_that_can_be_read(moderator, namespace):
    remember(namespace, "k", ttl=60)
    Entry.objects.update(expires_at=clock.now() - timedelta(seconds=1))

    answer = moderator.get(page(namespace, "key", key="k"))

    assert "This entry has expired: readers cannot see it" in text_of(answer)
    assert "view=edit" not in answer.content.decode()


def test_a_page_asks_little_and_by_index(moderator, namespace):
    for number in range(30):
        remember(namespace, f"k{number % 3}", str(number))

    for parameters in ({"view": "diff"}, {"version": 4, "before": 20}):
        with CaptureQueriesContext(connection) as asked:
            moderator.get(page(namespace, "key", key="k1", **parameters))

        assert len(asked) <= 25
        assert_by_index(asked)


# --- changing


def test_a_moderator_edits(moderator, namespace):
    remember(namespace, "k", '{"a":1}')
    form = moderator.get(page(namespace, "key", key="k", view="edit"))

    answer = post(moderator, namespace, version=field_of(form, "version"), value='{"a":\r\n 2}')

    assert (answer.status_code, answer["Location"]) == (303, page(namespace, "key", key="k"))
    entry = reading.get_entry(namespace, "k")
    assert (entry.value, entry.version, entry.writer) == ('{"a":\n 2}', 2, "operator")
    assert "Saved as version 2." in text_of(moderator.get(answer["Location"]))
    row = ModerationAction.objects.get()
    assert (row.operator, row.action, row.namespace, row.reason) == ("moderator", "edit", namespace, "it was wrong")


def test_a_moderator_deletes_and_restores(moderator, namespace):
    remember(namespace, "a/b?c#d%2F", '{"a":  1e3}')

    deleted = post(moderator, namespace, "a/b?c#d%2F", action="delete")
    assert not Entry.objects.exists()
    restored = post(moderator, namespace, "a/b?c#d%2F", action="restore", version="", restored="1")

    assert (deleted.status_code, restored.status_code) == (303, 303)
    assert reading.get_entry(namespace, "a/b?c#d%2F").value == '{"a":  1e3}'
    assert [row.action for row in ModerationAction.objects.order_by("id")] == ["delete", "restore"]


@pytest.mark.parametrize("action", ["edit", "delete", "restore"])
def test_a_viewer_changes_nothing(viewer, namespace, action):
    remember(namespace)
    before = all_rows()

    assert post(viewer, namespace, action=action, restored="1").status_code == 403
    assert all_rows() == before
    body = viewer.get(page(namespace, "key", key="k", view=action)).content.decode()
    assert 'name="reason"' not in body
    assert "view=edit" not in body


def test_a_form_of_another_site_changes_nothing(moderator, namespace):
    remember(namespace)
    before = all_rows()
    moderator.handler.enforce_csrf_checks = True

    assert post(moderator, namespace).status_code == 403
    assert all_rows() == before


def test_a_lost_race_is_told_with_the_difference_and_keeps_the_text(moderator, namespace):
    remember(namespace, "k", '{"a": 1, "b": 1}', agent="quant")
    remember(namespace, "k", '{"a": 2, "b": 1}', agent="agent-7")
    before = all_rows()

    answer = post(moderator, namespace, value='{"a": 1, "b": "<mine>"}')

    told = text_of(answer)
    assert answer.status_code == 409
    assert "changed by agent-7 self-declared since you opened it" in told
    assert '-   "a": 1,' in told
    assert '+   "a": 2,' in told
    assert '+   "b": "<mine>"' in told
    assert value_in_form(answer) == '{"a": 1, "b": "<mine>"}'
    assert (field_of(answer, "reason"), field_of(answer, "version")) == ("it was wrong", "2")
    assert all_rows() == before
    assert not ModerationAction.objects.exists()


def test_a_text_whose_race_was_lost_can_be_saved_knowingly(moderator, namespace):
    remember(namespace, "k")
    remember(namespace, "k", "5")
    lost = post(moderator, namespace)

    won = post(moderator, namespace, version=field_of(lost, "version"), value=value_in_form(lost))

    assert won.status_code == 303
    assert reading.get_entry(namespace, "k").value == "2"


def test_a_race_lost_to_a_deletion_is_told(moderator, namespace):
    remember(namespace, "k")
    writing.delete_entry(namespace, "k", caller=Caller("janitor"))

    answer = post(moderator, namespace)

    assert answer.status_code == 409
    assert "deleted by janitor self-declared since you opened it" in text_of(answer)
    assert value_in_form(answer) == "2"
    assert field_of(answer, "version") == ""


def test_a_race_of_two_operators_is_told(moderator, administrator, namespace):
    remember(namespace)

    assert post(administrator, namespace).status_code == 303
    answer = post(moderator, namespace)

    assert "changed by operator since you opened it" in text_of(answer)


@pytest.mark.parametrize(
    ("text", "place", "fault"),
    [
        ('{"a": 1,\n "b" 2}', "Line 2, column 6", "2"),
        ("[1,", "Line 1, column 4", "end"),
        ("1 2", "Line 1, column 3", "2"),
    ],
)
def test_what_is_no_json_is_told_with_its_place_and_kept(moderator, namespace, text, place, fault):
    remember(namespace)
    before = all_rows()

    answer = post(moderator, namespace, value=text)

    assert answer.status_code == 400
    assert place in text_of(answer)
    assert f"<mark>{fault}</mark>" in answer.content.decode()
    assert value_in_form(answer) == text
    assert all_rows() == before


@pytest.mark.parametrize(
    ("fields", "status", "told"),
    [
        ({"reason": " "}, 400, "Give a reason"),
        ({"value": "[" * 65 + "]" * 65}, 400, "nested more than 64 deep"),
        ({"value": f'"{"x" * 1_048_575}"'}, 409, "a value may have 1,048,576"),
        ({"action": "restore", "restored": "9"}, 404, "no value that version 9"),
        ({"action": "other"}, 400, "There is nothing to do."),
        ({"version": "x"}, 409, "since you opened it"),
    ],
)
def test_what_is_refused_is_told_and_changes_nothing(moderator, namespace, fields, status, told):
    remember(namespace)
    before = all_rows()

    answer = post(moderator, namespace, **fields)

    assert answer.status_code == status
    assert told in text_of(answer)
    assert all_rows() == before
    assert not ModerationAction.objects.exists()


def test_a_suspended_namespace_can_be_cleaned_up(moderator, namespace):
    remember(namespace)
    Namespace.objects.update(status="suspended")

    assert post(moderator, namespace, action="delete").status_code == 303


def test_a_version_that_is_forgotten_is_told(moderator, namespace, settings):
    remember(namespace, "k", "1")
    remember(namespace, "k", "2")
    settings.LIMITS = {**settings.LIMITS, "change_log_bytes": 2}
    removal.trim_all()

    assert "no version before this one" in text_of(moderator.get(page(namespace, "key", key="k", view="diff")))
    assert "It cannot be told" in text_of(post(moderator, namespace))


def test_text_to_edit_can_be_indented_and_is_the_same_value(moderator, namespace):
    remember(namespace, "k", '{"a":[1e3,{}]}')

    form = moderator.get(page(namespace, "key", key="k", view="edit", indented=1))

    assert value_in_form(form) == '{\n  "a": [\n    1e3,\n    {}\n  ]\n}'
