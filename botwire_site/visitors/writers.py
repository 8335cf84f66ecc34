"""`/n/<namespace>/writers` and `/rollback`: who wrote lately, who is in quarantine, and taking back what one wrote.

A rollback is previewed first: the preview is an address, and has the form that does it.
"""

from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.urls import reverse

from api.bodies import check_reason
from api.problems import PROBLEMS
from api.refusals import RequestRefused
from api.requests import parameters_of
from botwire_site.visitors.frame import page
from botwire_site.visitors.visits import Visit, visited_form
from namespaces import history, quarantining, rollback, rollback_jobs
from namespaces.errors import Refusal
from namespaces.history import WRITERS_WITHIN
from namespaces.names import Writer
from namespaces.rollback import Report

DONE = {
    "quarantined": "The writer is in quarantine: nobody reads what it wrote.",
    "released": "The writer is released: what it wrote is read again.",
}


@visited_form
def writers_page(request: HttpRequest, visit: Visit) -> HttpResponse:
    """Who wrote lately, and who is in quarantine; a POST puts a writer there, or releases it."""
    if request.method != "POST":
        return _writers(request, visit)
    try:
        return _act(visit, request.POST)
    except Refusal as refusal:
        return _writers(request, visit, refusal)


def _act(visit: Visit, given: QueryDict) -> HttpResponse:
    meant, address = _writer_in(given), reverse("namespace-writers", args=[visit.namespace])
    match given.get("action"):
        case "quarantine":
            quarantining.quarantine(visit.namespace, meant, _reason_in(given), caller=visit.caller)
            return _see_other(f"{address}?done=quarantined")
        case "release":
            quarantining.release(visit.namespace, meant, caller=visit.caller)
            return _see_other(f"{address}?done=released")
        case _:
            raise RequestRefused("invalid_parameter", "There is nothing to do.", parameter="action")


def _writers(request: HttpRequest, visit: Visit, refusal: Refusal | None = None) -> HttpResponse:
    done = DONE.get(parameters_of(request, "done").get("done", ""), "")
    hidden = quarantining.quarantined(visit.namespace, caller=visit.caller)
    recent = history.recent_writers(visit.namespace, caller=visit.caller)
    rows = [(row, row.writer in {one.writer for one in hidden}) for row in recent]
    context: dict[str, Any] = {
        "visit": visit,
        "state": visit.state,
        "quarantined": hidden,
        "recent": rows,
        "within": WRITERS_WITHIN,
    }
    context |= {"refusal": refusal, "done": done, "given": request.POST}
    return page(request, "writers.html", context, status=_status_of(refusal))


@visited_form
def rollback_page(request: HttpRequest, visit: Visit) -> HttpResponse:
    """What a rollback would do, as the query asks; a POST does it. `?job=` is one that is more than a transaction."""
    visit.caller.check_admin("roll back")
    if request.method != "POST":
        return _rollback(request, visit)
    try:
        return _roll_back(request, visit)
    except Refusal as refusal:
        return _rollback(request, visit, refusal=refusal)


def _roll_back(request: HttpRequest, visit: Visit) -> HttpResponse:
    given, address = request.POST, reverse("namespace-rollback", args=[visit.namespace])
    if given.get("action") == "cancel":
        report = rollback_jobs.cancel(visit.namespace, _moment_in(given.get("job", "")), caller=visit.caller)
    else:
        report = rollback_jobs.roll_back(
            visit.namespace,
            _writer_in(given),
            since=_since_in(given.get("since", "")),
            prefix=given.get("prefix", ""),
            caller=visit.caller,
        )
    if report.job is None:
        return _rollback(request, visit, report=report)
    return _see_other(f"{address}?{urlencode({'job': report.job.started_at.isoformat()})}")


def _rollback(
    request: HttpRequest, visit: Visit, *, report: Report | None = None, refusal: Refusal | None = None
) -> HttpResponse:
    asked = request.GET if request.method != "POST" else request.POST
    parameters_of(request, "writer", "verified", "since", "prefix", "job")
    if report is None and refusal is None:
        try:
            report = _report_asked_for(visit, asked)
        except Refusal as raised:
            refusal = raised
    context: dict[str, Any] = {"visit": visit, "state": visit.state, "asked": asked, "refusal": refusal}
    return page(request, "rollback.html", context | _told(report), status=_status_of(refusal))


def _report_asked_for(visit: Visit, asked: QueryDict) -> Report | None:
    if job := asked.get("job", ""):
        return rollback_jobs.find(visit.namespace, _moment_in(job), caller=visit.caller)
    if "writer" not in asked:
        return None
    since, prefix = _since_in(asked.get("since", "")), asked.get("prefix", "")
    return rollback.preview(visit.namespace, _writer_in(asked), since=since, prefix=prefix, caller=visit.caller)


def _told(report: Report | None) -> dict[str, Any]:
    if report is None:
        return {"report": None}
    counts = {fate.value: number for fate, number in report.counts.items()}
    moving = sum(report.counts[fate] for fate in rollback.TAKEN_BACK)
    return {"report": report, "counts": counts, "moving": moving, "total": report.counts.total()}


def _writer_in(given: QueryDict) -> Writer:
    standing = given.get("verified", "")
    if standing not in ("true", "false"):
        raise RequestRefused("invalid_parameter", "A writer is verified or self-declared.", parameter="verified")
    return Writer(given.get("writer", ""), standing == "true")


def _reason_in(given: QueryDict) -> str:
    return check_reason(" ".join(given.get("reason", "").split()))


def _since_in(text: str) -> int | datetime:
    """A revision, or a moment, in UTC where it does not say; from the beginning where nothing is given."""
    text = text.strip()
    if text.isascii() and text.isdigit() and len(text) <= 18:
        return int(text)
    return _moment_in(text) if text else 0


def _moment_in(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        message = "Since when is a revision, or a time such as 2026-01-31T09:00."
        raise RequestRefused("invalid_parameter", message, parameter="since") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _status_of(refusal: Refusal | None) -> int:
    return PROBLEMS[refusal.code].status if refusal else 200


def _see_other(address: str) -> HttpResponse:
    answer = redirect(address)
    answer.status_code = 303
    return answer
