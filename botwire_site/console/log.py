"""The moderation log: who did what to which namespace and why, filtered by index, and as CSV."""

import csv
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse

from botwire_site.console.access import VIEW, Page, operator_page
from botwire_site.console.rendering import render_page, visible
from namespaces import moderation_log
from namespaces.models import ModerationAction
from namespaces.moderation_log import Filter

COLUMNS = ("at", "operator", "action", "namespace", "reason", "before", "after")
LARGEST_ID = 2**63 - 1
_LABELS = {"status_until": "until", "status_reason": "told reason"}
_MOMENT = re.compile(r"^(\d{4}-\d\d-\d\d)T(\d\d:\d\d(?::\d\d)?)(?::00)?(?:\.\d+)?\+00:00$")
# A spreadsheet takes a cell that begins with one of these for a formula (OWASP: CSV injection).
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


@dataclass(frozen=True, slots=True)
class Logged:
    """A row as it is shown, with what it changed."""

    row: ModerationAction
    label: str
    operator: str
    reason: str
    changes: list[tuple[str, str]]


def logged(row: ModerationAction) -> Logged:
    """A row with strangers' text made visible."""
    names = dict.fromkeys([*row.before, *row.after])
    changes = [(_LABELS.get(name, name.replace("_", " ")), _change(row, name)) for name in names]
    shown = [(name, text) for name, text in changes if text]
    return Logged(row, row.get_action_display().lower(), visible(row.operator), visible(row.reason), shown)


def _change(row: ModerationAction, name: str) -> str:
    """What became of one fact; empty where it stayed."""
    before, after = row.before.get(name), row.after.get(name)
    if name == "status_reason" and after in ("", row.reason):
        return ""  # it is in the row itself
    if name in row.before and name in row.after:
        return "" if before == after else f"{_said(before)} → {_said(after)}"
    return _said(row.after.get(name, before))


def _said(value: Any) -> str:
    if value is None or value == "":
        return "none"
    if isinstance(value, int):
        return f"{value:,}"
    return visible(_MOMENT.sub(r"\1 \2 UTC", str(value)))


@operator_page(VIEW)
def log(request: HttpRequest) -> HttpResponse:
    """`?operator=&action=&namespace=&before=`: a page of the log, newest first."""
    chosen = _filter_of(request)
    page = moderation_log.page(chosen, before=_number(request.GET.get("before", "")))
    query = _query(chosen)
    context = {
        "rows": [logged(row) for row in page.rows],
        "chosen": chosen,
        "is_filtered": bool(query),
        "actions": ModerationAction.Action.choices,
        "older": f"?{_query(chosen, before=page.older)}" if page.older else "",
        "newest": f"?{query}" if "before" in request.GET else "",
        "query": query,
    }
    return render_page(request, "log.html", context, title="Moderation log")


@operator_page(VIEW)
def log_csv(request: HttpRequest) -> HttpResponse | StreamingHttpResponse:
    """The same rows as CSV, all of them."""
    response = StreamingHttpResponse(_lines(_filter_of(request)), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = 'attachment; filename="moderation-log.csv"'
    response["Cache-Control"] = "no-store"
    return response


def _lines(chosen: Filter) -> Iterator[str]:
    writer = csv.writer(_Echo())
    yield writer.writerow(COLUMNS)
    for row in moderation_log.rows(chosen):
        yield writer.writerow([safe_cell(_cell(getattr(row, column))) for column in COLUMNS])


class _Echo:
    """A file that gives each line back instead of keeping it."""

    def write(self, line: str) -> str:
        return line


def _cell(value: Any) -> str:
    if isinstance(value, dict):
        return json.dumps(value, ensure_ascii=False)
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def safe_cell(text: str) -> str:
    """`text`, behind an apostrophe where a spreadsheet would run it as a formula."""
    return f"'{text}" if text.lstrip(" ").startswith(_FORMULA) else text


def _filter_of(request: HttpRequest) -> Filter:
    asked = {name: request.GET.get(name, "").strip().replace("\0", "") for name in ("operator", "action", "namespace")}
    return Filter(**asked)


def _query(chosen: Filter, *, before: int | None = None) -> str:
    asked = {"operator": chosen.operator, "action": chosen.action, "namespace": chosen.namespace, "before": before}
    return urlencode({name: value for name, value in asked.items() if value})


def _number(text: str) -> int | None:
    is_number = text.isascii() and text.isdecimal() and len(text) < 20
    return min(int(text), LARGEST_ID) if is_number else None


PAGES = [Page("log/", log, "log"), Page("log.csv", log_csv, "log-csv")]
