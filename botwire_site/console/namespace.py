"""`/admin/namespaces/<name>/`: one namespace: its use, where that leads, what fills it, and what operators did."""

from typing import Any

from django.http import HttpRequest, HttpResponse

from botwire_site.console.access import VIEW, Page, operator_page
from botwire_site.console.charts import refusals_chart, writes_chart
from botwire_site.console.rendering import render_page
from namespaces import clock, outlook, overview
from namespaces.biggest import LIVE, biggest_keys
from namespaces.models import Namespace


@operator_page(VIEW)
def namespace(request: HttpRequest, namespace_name: str) -> HttpResponse:
    """The page of one namespace; 404 for a name that nothing was ever written to."""
    found = overview.get(namespace_name)
    if found is None:
        context = {"namespace_name": namespace_name}
        return render_page(request, "namespace_unknown.html", context, title="No such namespace", status=404)
    return render_page(request, "namespace.html", _context(found), title=namespace_name)


def _context(found: Namespace) -> dict[str, Any]:
    now = clock.now()
    [row] = overview.rows_of([found], now)
    days = outlook.days_of(found.name, now)
    siblings = overview.siblings_of([found.created_from], most=11).get(found.created_from)
    return {
        "namespace_name": found.name,
        "found": found,
        "row": row,
        "days": days,
        "writes_chart": writes_chart(days, row.write_limit),
        "refusals_chart": refusals_chart(days),
        "has_refusals": any(day.refusals for day in days),
        "writes_end_at": outlook.writes_end_at(found, row.writes, now),
        "storage_ends_in": outlook.storage_ends_in(found, days),
        "resets_at": clock.end_of_day(now),
        "biggest": biggest_keys(found, now),
        "most_sorted": LIVE,
        "siblings": siblings,
        "other_siblings": siblings.besides(found.name)[:10] if siblings else [],
        "actions": overview.last_actions(found.name, most=20),
        "jobs": overview.running_jobs(found.name),
    }


PAGES = [Page("namespaces/<str:namespace_name>/", namespace, "namespace")]
