"""`/admin/namespaces/`: the list, its filters as addresses, and the form that acts on what is selected."""

import re
from datetime import timedelta

import pytest
from django.contrib.auth import get_user_model
from django.test import Client

from namespaces import clock
from tests.console.test_overview import make, text_of

PATH = "/admin/namespaces/"


def names_of(answer):
    return re.findall(r'<td class="name"><a href="[^"]+">([^<]+)</a>', answer.content.decode())


def test_a_row_tells_use_status_last_write_and_creator(viewer):
    until = clock.now() + timedelta(days=2)
    make(
        "desk",
        writes=900,
        refusals={"storage_limit": 3},
        bytes=1_500_000,
        limit_bytes=2_000_000,
        status="read_only",
        status_until=until,
        created_from="192.0.2.1",
        last_write_at=clock.now() - timedelta(hours=3),
        created_at=clock.now() - timedelta(days=40),
    )

    answer = viewer.get(PATH)

    row = f"desk 900 of 1,000 1.5 MB of 2.0 MB 3 read-only until {until:%Y-%m-%d %H:%M} UTC 3 h ago 192.0.2.1 40 d ago"
    assert row in text_of(answer)
    page = answer.content.decode()
    assert re.findall(r'<meter[^>]+ value="(\d+)" aria-label="([^"]+)"', page) == [
        ("900", "Writes of desk today"),
        ("750", "Bytes of desk"),
    ]
    assert 'href="/admin/namespaces/?address=192.0.2.1"' in page


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", ["a-idle", "a-near", "b-gone"]),
        ("?prefix=a-", ["a-idle", "a-near"]),
        ("?prefix=+a-+", ["a-idle", "a-near"]),
        ("?status=suspended", ["b-gone"]),
        ("?status=active", ["a-idle", "a-near"]),
        ("?use=near", ["a-near"]),
        ("?use=full", []),
        ("?idle=30", ["a-idle"]),
        ("?address=192.0.2.1", ["a-idle"]),
        ("?refused=storage_limit", ["b-gone"]),
        ("?order=writes", ["a-near", "b-gone"]),
        ("?order=writes&status=suspended&prefix=b", ["b-gone"]),
        ("?prefix=&status=&use=&address=&idle=&order=", ["a-idle", "a-near", "b-gone"]),
    ],
)
def test_every_filter_is_in_the_address(viewer, query, found):
    make("a-idle", last_write_at=clock.now() - timedelta(days=31), created_from="192.0.2.1")
    make("a-near", writes=900)
    make("b-gone", writes=1, status="suspended", refusals={"storage_limit": 1})

    assert names_of(viewer.get(PATH + query)) == found


@pytest.mark.parametrize(
    "query",
    [
        "?status=x",
        "?use=x",
        "?order=x",
        "?idle=31",
        "?address=x",
        "?refused=a'b",
        "?after=%00",
        "?order=writes&after=a",
    ],
)
def test_a_filter_that_no_list_knows_is_an_error_and_not_an_empty_list(viewer, query):
    make("n")

    answer = viewer.get(PATH + query)

    assert answer.status_code == 400
    assert names_of(answer) == []
    assert "errornote" in answer.content.decode()


def test_pages_are_addresses_that_keep_the_filters(viewer):
    for number in range(51):
        make(f"n{number:02}", writes=number + 1)

    first = viewer.get(PATH + "?prefix=n&order=writes")
    [onward] = re.findall(r'<a href="([^"]+)" rel="next">', first.content.decode())
    second = viewer.get(PATH + onward.replace("&amp;", "&"))

    assert names_of(first) == [f"n{number:02}" for number in range(50, 0, -1)]
    assert names_of(second) == ["n00"]
    assert 'href="?prefix=n&amp;order=writes">First page' in second.content.decode()
    assert "End of the list" in text_of(second)


def test_nothing_found_says_what_to_do(viewer):
    assert "The overview has a command that makes one." in text_of(viewer.get(PATH))
    assert "No namespace is like that" in text_of(viewer.get(PATH + "?prefix=%3Cb%3E"))


def test_what_was_searched_for_is_text(viewer):
    page = viewer.get(PATH, {"prefix": '"><script>x</script>'}).content.decode()

    assert "<script>x" not in page
    assert 'value="&quot;&gt;&lt;script&gt;x&lt;/script&gt;"' in page


def test_a_moderator_may_act_on_what_is_selected(moderator):
    make("a")
    make("b")

    page = moderator.get(PATH + "?prefix=a").content.decode()
    form = page[page.index('<form method="post"') :]
    assert re.findall(r'<input type="checkbox" name="namespace" value="(\w+)"', form) == ["a"]
    assert re.findall(r'type="radio" name="action" value="(\w+)"', form) == [
        "read_only",
        "suspend",
        "activate",
        "limits",
    ]
    assert 'name="next" value="/admin/namespaces/?prefix=a"' in form
    fields = ("reason", "until", "limit_writes_per_day", "limit_bytes", "limit_value_bytes", "csrfmiddlewaretoken")
    assert [name for name in fields if f'name="{name}"' not in form] == []


def test_a_viewer_has_no_form_to_act_with(viewer):
    make("a")

    page = viewer.get(PATH).content.decode()

    assert 'name="namespace"' not in page
    assert 'name="reason"' not in page


@pytest.mark.parametrize("path", ["/admin/jump/?to=a", PATH, PATH + "a/"])
def test_strangers_and_accounts_without_a_role_see_nothing(database, db, path):
    make("a")
    browser = Client()
    assert browser.get(path).status_code == 302

    browser.force_login(get_user_model().objects.create(username="nobody", is_staff=True))

    assert browser.get(path).status_code != 200
