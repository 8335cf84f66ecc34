"""`/admin/namespaces/<name>/`: what one namespace uses, where that leads, what fills it, and who made it."""

import json
import re
from datetime import timedelta
from urllib.parse import unquote

import pytest

from namespaces import biggest, clock, moderation, standing
from namespaces.jsontext import JSONText
from namespaces.writing import set_entry
from tests.console.test_overview import make, text_of
from tests.factories import DailyUsageFactory, NamespaceFactory

PATH = "/admin/namespaces/desk/"


def test_a_namespace_that_is_none_says_so(viewer):
    answer = viewer.get("/admin/namespaces/%3Cb%3E%E2%80%AE/")

    assert answer.status_code == 404
    assert r"Nothing was ever written to &lt;b&gt;\u202e" in text_of(answer)


@pytest.mark.parametrize("name", ["Aa0_-.:@+", "a" * 64])
def test_every_name_has_its_page(viewer, name):
    make(name)

    answer = viewer.get(f"/admin/namespaces/{name}/")

    assert answer.status_code == 200
    assert f"<h1>{name}</h1>" in answer.content.decode()


def test_use_is_told_in_words_and_as_bars(viewer):
    make("desk", writes=900, bytes=26_214_400, entries=1_234)

    page = text_of(viewer.get(PATH))

    assert "Entries 1,234" in page
    assert "900 of 1,000" in page
    assert "26.2 MB of 52.4 MB" in page


def test_the_chart_has_thirty_bars_the_limit_and_a_table(viewer):
    made = make("desk", writes=500, refusals={"daily_write_limit": 7, "storage_limit": 1})
    today = clock.day_of(clock.now())
    DailyUsageFactory(namespace=made, day=today - timedelta(days=3), writes=1_000)

    page = viewer.get(PATH).content.decode()

    assert len(re.findall(r'<rect class="writes', page)) == 30
    assert len(re.findall(r'<rect class="refusals', page)) == 30
    full = f"<g><title>{today - timedelta(days=3)}: 1,000 writes</title>"
    [height] = re.findall(rf'{full}.*?class="writes full".*? height="([\d.]+)"', page)
    [line] = re.findall(r'<line class="limit" x1="0" x2="300" y1="([\d.]+)"', page)
    assert float(line) == pytest.approx(100 - float(height), abs=0.02)
    row = re.search(rf'<tr><th scope="row"><time datetime="{today}">.*?</tr>', page).group()
    assert re.findall(r'<td class="number">([^<]+)<', row) == ["500", "500 bytes", "8", "0"]


def test_a_limit_far_above_leaves_the_bars_visible(viewer):
    make("desk", writes=10)

    page = viewer.get(PATH).content.decode()

    assert "dotted: the limit of 1,000, far above" in page
    assert max(float(height) for height in re.findall(r'class="writes".*? height="([\d.]+)"', page)) > 80


def test_without_any_use_there_is_a_chart_all_the_same(viewer):
    NamespaceFactory(name="desk")

    assert viewer.get(PATH).status_code == 200


def test_a_forecast_says_when_writes_end(viewer, monkeypatch):
    noon = clock.now().replace(hour=12, minute=0, second=0, microsecond=0)
    monkeypatch.setattr(clock, "now", lambda: noon)
    make("desk", writes=720, created_at=noon - timedelta(days=9))

    page = text_of(viewer.get(PATH))

    assert "Will be full at 16:40 UTC if it goes on like this." in page


def test_nothing_is_foreseen_where_the_limit_is_far(viewer):
    make("desk", writes=1, created_at=clock.now() - timedelta(days=9))

    assert "Will be full" not in text_of(viewer.get(PATH))


def test_at_the_limit_it_says_when_writes_start_again(viewer):
    make("desk", writes=1_000)

    page = text_of(viewer.get(PATH))

    assert f"No writes are left today. They start again at {clock.end_of_day(clock.now()):%Y-%m-%d} 00:00 UTC ." in page


def test_storage_that_ends_soon_says_so(viewer):
    made = make("desk", bytes=500, limit_bytes=1_000)
    for ago in range(1, 8):
        DailyUsageFactory(namespace=made, day=clock.day_of(clock.now()) - timedelta(days=ago), bytes_written=100)

    assert "Full in 6 days at the earliest" in text_of(viewer.get(PATH))


HOSTILE = ["<b>&amp;</b>", "</script><script>x</script>", "a\u202eb", "a/b?c#d%2F", "😀", " ", "k" * 512, "'\"{{ 7 }}"]


def test_the_biggest_keys_are_shown_as_they_are_stored(viewer):
    for key in HOSTILE:
        set_entry("desk", key, JSONText.parse(json.dumps("\n</script>" * 3)))
    set_entry("desk", "int", JSONText.parse("9" * 300))
    set_entry("desk", "deep", JSONText.parse("[" * 64 + "]" * 64))

    page = viewer.get(PATH).content.decode()

    shown = re.findall(r"<td><code>(?:<a [^>]+>)?([^<]*)", page)
    assert len(shown) == 10
    assert r"a\u202eb" in shown
    assert "a/b?c#d%2F" in shown
    assert "&lt;b&gt;&amp;amp;&lt;/b&gt;" in shown
    assert "<script>x" not in page
    links = re.findall(r'href="[^"]*/key/\?key=([^"]*)"', page)
    assert [unquote(link) for link in links] in (
        [],
        [unquote(link) for link in links if unquote(link) in [*HOSTILE, "int", "deep"]],
    )


def test_too_many_keys_to_sort_are_those_of_the_worker_s_last_look(viewer, monkeypatch):
    monkeypatch.setattr(biggest, "LIVE", 1)
    set_entry("desk", "a", JSONText.parse("11"))
    set_entry("desk", "b", JSONText.parse("1"))
    standing.refresh_all()
    assert "Nobody has looked yet." in text_of(viewer.get(PATH))

    biggest.look_at_all()

    page = text_of(viewer.get(PATH))
    assert "Key Size a 3 bytes b 2 bytes These were the biggest of all keys at" in page


def test_the_creator_is_shown_with_what_else_it_made(viewer):
    make("desk", created_from="192.0.2.1")
    make("other", created_from="192.0.2.1")
    make("stranger", created_from="192.0.2.2")

    page = text_of(viewer.get(PATH))

    assert "192.0.2.1 on" in page
    assert "one of 2 namespaces from there." in page
    assert "Newest others other" in page
    assert "the only one from there." in text_of(viewer.get("/admin/namespaces/stranger/"))


def test_a_restriction_is_shown_with_its_reason_and_end(viewer):
    until = clock.now() + timedelta(days=2)
    make("desk", status="suspended", status_reason="<i>loop</i>", status_until=until)

    page = text_of(viewer.get(PATH))

    assert f"Suspended until {until:%Y-%m-%d %H:%M} UTC . &lt;i&gt;loop&lt;/i&gt;" in page


def test_a_restriction_that_has_run_out_is_none(viewer):
    make("desk", status="suspended", status_reason="loop", status_until=clock.now() - timedelta(days=1))

    page = text_of(viewer.get(PATH))

    assert "Status active" in page
    assert "loop" not in page


def test_the_history_has_only_this_namespace_s(viewer):
    make("desk")
    moderation.record(moderation.Action.SUSPEND, operator="o\u202e", reason="mine", namespace="desk")
    moderation.record(moderation.Action.SUSPEND, operator="o", reason="not mine", namespace="desk2")

    page = text_of(viewer.get(PATH))

    assert r"o\u202e suspend mine" in page
    assert "not mine" not in page
