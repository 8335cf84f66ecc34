"""The pages that purge and export a namespace."""

import json
import re
from datetime import timedelta

import pytest

from namespaces import clock, exporting, moderation, purging, reading, writing
from namespaces.callers import Caller
from namespaces.jsontext import JSONText
from namespaces.models import Entry, ModerationAction, PurgeJob
from namespaces.moderation import Action
from tests.namespaces.corpus import KEYS, VALUES
from tests.rows import assert_counters_exact

PAGE = "/admin/namespaces/{}/purge/"
EXPORT = "/admin/namespaces/{}/export/"
WORKER = PurgeJob.Driver.WORKER


def write(namespace, key, value="1", **options):
    return writing.set_entry(namespace, key, JSONText.parse(value), **options)


def begin(browser, namespace, **fields):
    return browser.post(PAGE.format(namespace), {"prefix": "", "reason": "illegal", "confirm": namespace} | fields)


def lines_of(answer):
    return b"".join(answer.streaming_content).decode().split("\n")


def test_a_range_is_shown_with_its_count_bytes_and_samples(administrator, namespace):
    write(namespace, "p:1", '"one"')
    write(namespace, "p:\u202e<b>", '"</script>"')
    write(namespace, "q", "1")

    text = administrator.get(PAGE.format(namespace), {"prefix": "p:"}).content.decode()

    assert re.findall(r"<dd>(.*?)</dd>", text) == ["2", "27"]
    assert re.findall(r'<td class="mono">(.*?)</td>', text) == ["p:1", "p:\\u202e&lt;b&gt;"]
    assert "</script>&quot;" not in text
    assert f'href="/admin/namespaces/{namespace}/export/?prefix=p%3A"' in text


def test_a_bounded_count_says_so(administrator, namespace, monkeypatch):
    monkeypatch.setattr(purging, "MOST_COUNTED", 2)
    for key in ("p1", "p2", "p3"):
        write(namespace, key)

    text = administrator.get(PAGE.format(namespace), {"prefix": "p"}).content.decode()

    assert re.findall(r"<dd>(.*?)</dd>", text) == ["more than 2", "more than 6"]


def test_a_purge_is_begun_followed_and_ends(administrator, namespace):
    write(namespace, "p:1")
    write(namespace, "q")

    answer = begin(administrator, namespace, prefix="p:")
    running = administrator.get(answer["Location"]).content.decode()
    while purging.advance(WORKER):
        pass
    over = administrator.get(answer["Location"]).content.decode()

    assert "You may close this page" in running
    assert 'data-running="yes"' in running
    assert 'data-running="no"' in over
    assert "Entries removed: 1<" in over
    assert list(Entry.objects.values_list("key", flat=True)) == ["q"]
    assert [row.operator for row in ModerationAction.objects.all()] == ["administrator"] * 2


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"confirm": ""}, "Type the name of the namespace"),
        ({"confirm": "another"}, "Type the name of the namespace"),
        ({"reason": " "}, "Give a reason"),
        ({"prefix": "a\nb"}, "no control characters"),
        ({"prefix": "x" * 513}, "at most 512 bytes"),
    ],
)
def test_a_purge_that_is_not_meant_does_not_begin(administrator, namespace, fields, message):
    write(namespace, "k")

    answer = begin(administrator, namespace, **fields)

    assert answer.status_code == 400
    assert message in answer.content.decode()
    assert not PurgeJob.objects.exists()
    assert not ModerationAction.objects.exists()


def test_a_second_purge_is_told_of_the_first(administrator, namespace):
    write(namespace, "k")
    begin(administrator, namespace)

    answer = begin(administrator, namespace)

    assert answer.status_code == 400
    assert "A purge of this namespace is running" in answer.content.decode()


def test_without_a_worker_the_page_drives_the_job(administrator, namespace, monkeypatch):
    monkeypatch.setattr(purging.Pace.__init__, "__defaults__", (2, 0.0))
    for number in range(5):
        write(namespace, f"k{number}")
    address = begin(administrator, namespace)["Location"]
    administrator.post(address, {"do": "advance"})
    assert Entry.objects.count() == 5, "a worker may still come"
    PurgeJob.objects.update(updated_at=clock.now() - timedelta(minutes=1))

    assert "so this page does" in administrator.get(address).content.decode()
    administrator.post(address, {"do": "advance"})

    assert PurgeJob.objects.get().state == "done"
    assert Entry.objects.count() == 0
    assert_counters_exact(namespace)


def test_a_purge_is_cancelled(administrator, namespace):
    write(namespace, "k")
    address = begin(administrator, namespace)["Location"]

    told = administrator.post(address, {"do": "cancel"}, follow=True).content.decode()
    again = administrator.post(address, {"do": "cancel"}, follow=True).content.decode()

    assert "Cancelled</h2>" in told
    assert "This purge does not run any more." in again
    assert not purging.advance(WORKER)
    assert Entry.objects.count() == 1


@pytest.mark.parametrize("role", ["viewer", "moderator"])
def test_only_administrators_purge(signed_in, administrator, namespace, role):
    write(namespace, "k")
    address = begin(administrator, namespace)["Location"]
    browser = signed_in(role)

    for path in (PAGE.format(namespace), address):
        assert browser.get(path).status_code == 403
        assert browser.post(path, {"confirm": namespace, "reason": "x", "do": "cancel"}).status_code == 403

    assert PurgeJob.objects.get().state == "running"
    assert "Purge</a>" not in browser.get("/admin/log/").content.decode()


@pytest.mark.parametrize(
    "started", ["x", "2026-01-01", "2026-13-01T00:00:00Z", "2026-01-01T00:00:00", "2026-01-01T00:00:00Z"]
)
def test_an_unknown_job_is_not_found(administrator, namespace, started):
    write(namespace, "k")

    assert administrator.get(f"{PAGE.format(namespace)}{started}/").status_code == 404


@pytest.mark.parametrize("path", [PAGE, EXPORT])
def test_an_unknown_namespace_is_not_found(administrator, path):
    assert administrator.get(path.format("never-written")).status_code == 404


# --- export


def test_an_export_has_every_live_entry_as_it_is_stored(viewer, namespace):
    written = {}
    for number, (_, key) in enumerate(KEYS):
        written[key] = VALUES[number % len(VALUES)]
        write(namespace, key, written[key], caller=Caller("agent-7"))
    write(namespace, "gone", ttl=1, now=clock.now() - timedelta(seconds=5))

    answer = viewer.get(EXPORT.format(namespace))
    _, *lines, trailer, last = lines_of(answer)

    assert (json.loads(trailer)["entries"], last) == (len(lines), "")
    assert answer["Content-Type"] == "application/x-ndjson"
    exported = {json.loads(line)["key"]: line for line in lines}
    assert list(exported) == sorted(written, key=str.encode)
    for key, line in exported.items():
        entry = reading.get_entry(namespace, key)
        assert f'"value": {written[key]}, "version": {entry.version}, "writer": {{"name": "agent-7"' in line


def test_an_export_is_read_page_by_page(viewer, namespace, monkeypatch, settings):
    monkeypatch.setattr(exporting, "ROWS_PER_PAGE", 2)
    for number in range(5):
        write(namespace, f"p{number}")
    write(namespace, "q")

    lines = lines_of(viewer.get(EXPORT.format(namespace), {"prefix": "p"}))

    assert [json.loads(line)["key"] for line in lines[1:-2]] == ["p0", "p1", "p2", "p3", "p4"]


def test_an_export_is_logged_and_looking_for_its_head_is_not(viewer, namespace):
    write(namespace, "k")
    moderation.set_status(namespace, Action.SUSPEND, reason="x", operator="ada")

    viewer.head(EXPORT.format(namespace))
    lines_of(viewer.get(EXPORT.format(namespace), {"prefix": "k"}))

    row = ModerationAction.objects.latest("id")
    assert ModerationAction.objects.count() == 2
    assert (row.action, row.operator, row.namespace, row.after) == (
        "export",
        "viewer",
        namespace,
        {"prefix": "k", "entries": 1, "revision": 1},
    )


def test_an_operator_is_told_that_too_many_exports_are_under_way(viewer, namespace, settings):
    settings.LIMITS = {**settings.LIMITS, "exports_per_process": 0}
    write(namespace, "k")

    answer = viewer.get(EXPORT.format(namespace))

    assert (answer.status_code, answer["Retry-After"]) == (503, "5")


def test_an_impossible_prefix_is_told_before_anything_is_sent(viewer, namespace):
    write(namespace, "k")

    answer = viewer.get(EXPORT.format(namespace), {"prefix": "\n"})

    assert answer.status_code == 400
    assert not ModerationAction.objects.exists()
