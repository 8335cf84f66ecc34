"""`/admin/namespaces/<namespace>/browse/`."""

from datetime import timedelta
from html import unescape
from re import findall
from urllib.parse import quote

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from namespaces import browsing, clock
from namespaces.models import Entry, Namespace
from tests.console.conftest import past_second_factor
from tests.console.memories import HOSTILE_KEYS, page, remember
from tests.plans import assert_by_index


def cells_of(answer):
    """The keys of the list as they are shown, markup for invisible characters left out."""
    found = findall(r'<th scope="row"><a href="([^"]+)" class="key">(.*?)</a></th>', answer.content.decode())
    return {
        unescape(text).replace('<span class="escape">', "").replace("</span>", ""): unescape(to) for to, text in found
    }


def test_folders_and_keys_are_shown(viewer, namespace):
    for key in ("desk:a", "desk:b", "status"):
        remember(namespace, key, '{"n": 1}')

    answer = viewer.get(page(namespace, "browse"))

    body = answer.content.decode()
    assert answer.status_code == 200
    assert f'<a href="{page(namespace, "browse", prefix="desk:")}">' in body
    assert set(cells_of(answer)) == {"desk:a", "desk:b", "status"}
    for shown in ("{&quot;n&quot;: 1}", "agent-7", '<td class="number">14</td>'):
        assert shown in body


@pytest.mark.parametrize("key", HOSTILE_KEYS)
def test_a_key_is_shown_as_it_is_stored_and_leads_to_itself(viewer, namespace, key):
    remember(namespace, key)

    answer = viewer.get(page(namespace, "browse"))

    ((shown, to),) = cells_of(answer).items()
    assert shown == key.replace("\u202e", "\\u202e").replace("\ufeff", "\\ufeff")
    assert to == page(namespace, "key", key=key)
    assert f"key={quote(key, safe='')}" in to
    assert viewer.get(to).status_code == 200


def test_a_prefix_shows_what_is_under_it_and_the_way_back(viewer, namespace):
    for key in ("desk/a/1", "desk/a/2", "other"):
        remember(namespace, key)

    answer = viewer.get(page(namespace, "browse", prefix="desk/a/"))

    body = answer.content.decode()
    assert set(cells_of(answer)) == {"desk/a/1", "desk/a/2"}
    assert f'href="{page(namespace, "browse", prefix="desk/")}"' in body
    assert '<input id="prefix" name="prefix" value="desk/a/"' in body


def test_pages_follow_each_other_by_address(viewer, namespace, monkeypatch):
    monkeypatch.setattr(browsing, "ROWS_PER_PAGE", 2)
    for key in ("a&b", "a c", "a?d"):
        remember(namespace, key)

    first = viewer.get(page(namespace, "browse", prefix="a"))
    to = unescape(findall(r'<a href="([^"]+)" rel="next">Next keys', first.content.decode())[0])

    assert to == f"{page(namespace, 'browse', prefix='a')}&after=a%26b"
    assert list(cells_of(first)) == ["a c", "a&b"]
    assert list(cells_of(viewer.get(to))) == ["a?d"]


def test_an_expired_entry_is_said_to_be_expired(viewer, namespace):
    remember(namespace, "k", ttl=60)
    Entry.objects.update(expires_at=clock.now() - timedelta(seconds=1))

    assert ">expired</span>" in viewer.get(page(namespace, "browse")).content.decode()


def test_a_suspended_namespace_can_be_looked_at(viewer, namespace):
    remember(namespace)
    Namespace.objects.update(status="suspended", status_reason="<i>spam</i>")

    body = viewer.get(page(namespace, "browse")).content.decode()

    assert "&lt;i&gt;spam&lt;/i&gt;" in body


@pytest.mark.parametrize(
    ("parameters", "told"),
    [({}, "Nothing is stored here"), ({"prefix": "x<"}, "No key begins with"), ({"after": "x"}, "No more keys")],
)
def test_an_empty_list_says_what_to_do(viewer, namespace, parameters, told):
    remember(namespace, "k")
    Entry.objects.all().delete()

    assert told in viewer.get(page(namespace, "browse", **parameters)).content.decode()


@pytest.mark.parametrize("name", ["browse", "live", "key"])
def test_a_namespace_that_is_not_there_is_an_error(viewer, namespace, name):
    answer = viewer.get(page(namespace, name, key="k"))

    assert answer.status_code == 404
    assert "There is no namespace" in answer.content.decode()


def test_a_prefix_that_can_be_none_is_an_error(viewer, namespace):
    remember(namespace)

    answer = viewer.get(page(namespace, "browse", prefix="\x00"))

    assert answer.status_code == 400
    assert "A prefix has no control characters." in answer.content.decode()


@pytest.mark.parametrize("name", ["browse", "live", "key"])
def test_a_stranger_and_an_account_without_a_role_see_nothing(viewer, client, django_user_model, namespace, name):
    remember(namespace, "k")
    address = page(namespace, name, key="k")
    nobody = past_second_factor(django_user_model.objects.create(username="nobody", is_staff=True))

    assert client.get(address).status_code == 302
    assert nobody.get(address).status_code == 403
    assert viewer.get(address).status_code == 200


@pytest.mark.parametrize("name", ["browse", "live"])
def test_pages_to_look_at_take_no_post(administrator, namespace, name):
    remember(namespace)

    assert administrator.post(page(namespace, name)).status_code == 405


def test_a_page_asks_little_and_by_index(viewer, namespace):
    for number in range(60):
        remember(namespace, f"a/{number % 5}/{number}")

    with CaptureQueriesContext(connection) as asked:
        viewer.get(page(namespace, "browse", prefix="a/", after="a/1/", folders_after="a/0/"))

    assert len(asked) <= 25
    assert_by_index(asked)
