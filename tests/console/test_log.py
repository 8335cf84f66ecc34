"""The moderation log's page and its CSV."""

import csv
import io
import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from namespaces import moderation, moderation_log
from namespaces.models import ModerationAction
from namespaces.moderation import Action

FORMULAS = ['=HYPERLINK("https://example.org")', "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "  =1", "\uff1d1"]


def record(action=Action.SUSPEND, **options):
    return moderation.record(action, **{"operator": "ada", "reason": "spam", "namespace": "desk"} | options)


def rows_in(answer):
    return re.findall(r'<td class="reason">(.*?)</td>', answer.content.decode(), re.DOTALL)


def csv_of(browser, query=""):
    answer = browser.get(f"/admin/log.csv{query}")
    return list(csv.DictReader(io.StringIO(b"".join(answer.streaming_content).decode(), newline="")))


def test_an_empty_log_says_what_to_do(viewer):
    assert "No operator has done anything yet." in viewer.get("/admin/log/").content.decode()


def test_a_filter_without_a_match_is_no_empty_log(viewer):
    record()

    assert "No action matches." in viewer.get("/admin/log/?operator=nobody").content.decode()


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", ["4", "3", "2", "1"]),
        ("?operator=bob", ["3", "2"]),
        ("?action=limits", ["4", "2"]),
        ("?namespace=desk", ["4", "2", "1"]),
        ("?operator=bob&action=limits", ["2"]),
        ("?operator=Bob", []),
        ("?namespace=desk%00", ["4", "2", "1"]),
    ],
)
def test_the_log_is_filtered_newest_first(viewer, query, expected):
    record(reason="1")
    record(Action.LIMITS, operator="bob", reason="2")
    record(operator="bob", reason="3", namespace="other")
    record(Action.LIMITS, reason="4")

    assert rows_in(viewer.get(f"/admin/log/{query}")) == expected
    assert [row["reason"] for row in csv_of(viewer, query)] == expected


def test_pages_follow_one_another_and_keep_the_filter(viewer, monkeypatch):
    monkeypatch.setattr(moderation_log.page, "__kwdefaults__", {"before": None, "most": 2})
    for number in range(5):
        record(reason=str(number))
        record(operator="bob", reason="not this")

    seen, address = [], "/admin/log/?operator=ada"
    while address:
        answer = viewer.get(address)
        seen += rows_in(answer)
        older = re.search(r'href="(\?[^"]*)" rel="next"', answer.content.decode())
        address = older and "/admin/log/" + older[1].replace("&amp;", "&")

    assert seen == ["4", "3", "2", "1", "0"]


@pytest.mark.parametrize("before", ["-1", "x", "9" * 30, "9" * 19, "1.5", "\u0663"])
def test_an_impossible_page_is_no_fault_of_the_server(viewer, before):
    record()

    assert viewer.get("/admin/log/", {"before": before}).status_code == 200


def test_what_was_typed_is_shown_and_runs_nothing(viewer):
    record(
        reason="<script>alert(1)</script> \u202e",
        operator="</script>\u202e",
        before={"prefix": "\u202e<b>"},
        after={"prefix": "\u2028"},
    )

    text = viewer.get("/admin/log/").content.decode()

    assert "<script>alert" not in text
    assert "<b>" not in text
    assert "&lt;script&gt;alert(1)&lt;/script&gt; \\u202e" in text
    assert "\\u202e&lt;b&gt; → \\u2028" in text
    assert not re.search("[\u202e\u2028]", text.split("<tbody>")[1])


@pytest.mark.parametrize("text", FORMULAS)
def test_no_cell_of_the_csv_is_a_formula(viewer, text):
    record(reason=text, operator=text)

    [row] = csv_of(viewer)

    assert row["reason"] == f"'{text}"
    assert row["operator"] == f"'{text}"


def test_the_csv_has_everything_of_a_row(viewer):
    made = record(Action.LIMITS, reason='a "quoted", reason', before={"limit_bytes": None}, after={"limit_bytes": 5})

    assert csv_of(viewer) == [
        {
            "at": made.at.isoformat(),
            "operator": "ada",
            "action": "limits",
            "namespace": "desk",
            "reason": 'a "quoted", reason',
            "before": '{"limit_bytes": null}',
            "after": '{"limit_bytes": 5}',
        }
    ]


def test_the_csv_is_read_page_by_page(viewer, monkeypatch):
    monkeypatch.setattr(moderation_log, "ROWS_PER_READ", 2)
    for number in range(5):
        record(reason=str(number))

    assert [row["reason"] for row in csv_of(viewer)] == ["4", "3", "2", "1", "0"]


@pytest.mark.parametrize("query", ["", "?operator=ada", "?action=suspend", "?namespace=n7", "?before=400"])
def test_the_log_is_read_by_index(viewer, query):
    record(reason="first")
    ModerationAction.objects.bulk_create(
        ModerationAction(
            at=ModerationAction.objects.get().at,
            operator=f"o{number % 50}",
            action=list(Action)[number % 8],
            namespace=f"n{number}",
            reason="x",
        )
        for number in range(3_000)
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE namespaces_moderationaction")

    with CaptureQueriesContext(
        connection,
    ) as asked:
        assert viewer.get(f"/admin/log/{query}").status_code == 200

    [sql] = [one["sql"] for one in asked.captured_queries if "moderationaction" in one["sql"]]
    explain = "EXPLAIN QUERY PLAN " if connection.vendor == "sqlite" else "EXPLAIN "
    with connection.cursor() as cursor:
        cursor.execute(explain + sql)
        plan = "\n".join(str(row) for row in cursor.fetchall())
    assert "Seq Scan" not in plan
    assert "Sort" not in plan
    assert "TEMP B-TREE" not in plan


def test_strangers_see_no_log(client, database, db):
    assert client.get("/admin/log/").status_code == 302
    assert client.get("/admin/log.csv").status_code == 302


def test_nobody_posts_to_the_log(administrator):
    assert administrator.post("/admin/log/").status_code == 405
    assert administrator.post("/admin/log.csv").status_code == 405
