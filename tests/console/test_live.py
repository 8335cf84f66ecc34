"""`/admin/namespaces/<namespace>/live/`."""

from html import unescape
from re import DOTALL, findall

from django.db import connection
from django.test.utils import CaptureQueriesContext

from namespaces import history, removal, writing
from namespaces.callers import Caller
from tests.console.memories import page, remember
from tests.plans import assert_by_index


def revisions_of(answer):
    return [int(number) for number in findall(r'data-revision="(\d+)"', answer.content.decode())]


def links_of(answer):
    found = findall(r'<a [^>]*href="([^"]+)"[^>]*>(.*?)</a>', answer.content.decode(), DOTALL)
    return {text: unescape(to) for to, text in found}


def test_changes_come_newest_first_with_what_they_did(viewer, namespace):
    remember(namespace, "<a>", '"<b>"')
    writing.delete_entry(namespace, "<a>", caller=Caller("jan\u202eitor"))

    answer = viewer.get(page(namespace, "live"))

    body = answer.content.decode()
    assert revisions_of(answer) == [2, 1]
    for shown in ("&lt;a&gt;", "&quot;&lt;b&gt;&quot;", "agent-7", 'jan<span class="escape">\\u202e</span>itor'):
        assert shown in body
    assert '<span class="kind delete">delete</span>' in body


def test_a_page_can_begin_behind_a_revision(viewer, namespace):
    for number in range(4):
        remember(namespace, f"k{number}")

    assert revisions_of(viewer.get(page(namespace, "live", since=2))) == [4, 3]
    assert "Nothing has happened since." in viewer.get(page(namespace, "live", since=4)).content.decode()


def test_a_pause_stands_still_and_goes_on(viewer, namespace):
    remember(namespace, "a")
    pause = links_of(viewer.get(page(namespace, "live")))["Pause"]
    remember(namespace, "b")

    paused = viewer.get(pause)

    assert pause == page(namespace, "live", until=1)
    assert revisions_of(paused) == [1]
    assert "live.js" not in paused.content.decode()
    assert revisions_of(viewer.get(links_of(paused)["Go on from here"])) == [2]


def test_what_does_not_fit_is_told_and_can_be_seen(viewer, namespace, monkeypatch):
    monkeypatch.setattr(history, "CHANGES_PER_PAGE", 2)
    for number in range(5):
        remember(namespace, f"k{number}")

    first = viewer.get(page(namespace, "live"))

    assert "3 earlier changes" in first.content.decode()
    assert revisions_of(viewer.get(links_of(first)["see them"])) == [3, 2]


def test_what_the_log_has_forgotten_is_told(viewer, namespace, settings):
    remember(namespace, "a")
    settings.LIMITS = {**settings.LIMITS, "change_log_bytes": 0}
    removal.trim_all()

    for parameters in ({}, {"until": 1}):
        body = viewer.get(page(namespace, "live", **parameters)).content.decode()
        assert "up to revision 1 is forgotten" in body
    assert "forgotten" not in viewer.get(page(namespace, "live", since=1)).content.decode()


def test_a_number_that_is_none_is_left_aside(viewer, namespace):
    remember(namespace, "a")

    for number in ("x", "-1", "9" * 40, "\u0661"):
        assert revisions_of(viewer.get(page(namespace, "live", since=number))) == [1]


def test_a_page_asks_little_and_by_index(viewer, namespace):
    for number in range(30):
        remember(namespace, f"k{number}")

    with CaptureQueriesContext(connection) as asked:
        viewer.get(page(namespace, "live", since=3, until=20))

    assert len(asked) <= 25
    assert_by_index(asked)
