"""Purge: look at a range, export it, remove it by a job whose progress has a page of its own."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from time import monotonic, sleep

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect
from django.utils.dateparse import parse_datetime

from api.portability import MEDIA_TYPE, export_response
from api.rendering import timestamp
from botwire_site.console.access import PURGE, VIEW, Page, operator_name, operator_page
from botwire_site.console.moderate import state_or_404
from botwire_site.console.rendering import render_page, visible
from namespaces import clock, exporting, purging
from namespaces.errors import ActRefused, InvalidPrefix, TooManyExports
from namespaces.models import PurgeJob

# How long a page that drives a job works at it before it answers, and rests between two batches.
DRIVE_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Progress:
    """A job as it is shown. `left` is None where it cannot be told."""

    job: PurgeJob
    address: str
    prefix: str
    reason: str
    operator: str
    share: int
    erased_share: int
    rate: float
    left: timedelta | None
    needs_driver: bool

    @property
    def is_running(self) -> bool:
        return self.job.state == PurgeJob.State.RUNNING


@operator_page(PURGE, to_post=PURGE)
def purge(request: HttpRequest, namespace: str) -> HttpResponse:
    """`?prefix=` shows what would go; a POST with the namespace's name typed and a reason begins to remove it."""
    state_or_404(namespace)
    prefix = request.POST.get("prefix", "") if request.method == "POST" else request.GET.get("prefix", "")
    if request.method != "POST":
        return _purge_page(request, namespace, prefix, {})
    try:
        if request.POST.get("confirm", "").strip() != namespace:
            raise ActRefused(f"Type the name of the namespace, {namespace}, to confirm.", field="confirm")
        job = purging.start(namespace, prefix, reason=request.POST.get("reason", ""), operator=operator_name(request))
    except ActRefused as refused:
        return _purge_page(request, namespace, prefix, {refused.field or "form": str(refused)}, status=400)
    except InvalidPrefix as refusal:
        return _purge_page(request, namespace, prefix, {"prefix": str(refusal)}, status=400)
    return redirect("admin:purge-job", namespace, timestamp(job.started_at))


def _purge_page(
    request: HttpRequest, namespace: str, prefix: str, errors: dict[str, str], *, status: int = 200
) -> HttpResponse:
    try:
        found = purging.survey(namespace, prefix)
    except InvalidPrefix as refusal:
        found, errors, status = None, {"prefix": str(refusal)}, 400
    samples = [*found.first, *found.last] if found else []
    context = {
        "namespace_name": namespace,
        "prefix": prefix,
        "found": found,
        "samples": [(visible(sample.key), visible(sample.value)) for sample in samples],
        "gap_after": len(found.first) if found and found.last else 0,
        "errors": errors,
        "reason": request.POST.get("reason", ""),
        "jobs": [progress_of(job) for job in purging.latest(namespace)],
    }
    return render_page(request, "purge.html", context, title=f"Purge {namespace}", status=status)


@operator_page(PURGE, to_post=PURGE)
def purge_job(request: HttpRequest, namespace: str, started: str) -> HttpResponse:
    """How far a job is. POST `do=cancel` stops it, `do=advance` drives it where no worker does."""
    job = _job_or_404(namespace, started)
    if request.method == "POST":
        try:
            if request.POST.get("do") == "cancel":
                purging.cancel(job, operator=operator_name(request))
            elif request.POST.get("do") == "advance" and purging.needs_driver(job, clock.now()):
                _drive(job)
        except ActRefused as refused:
            messages.error(request, str(refused))
        return redirect("admin:purge-job", namespace, started)
    context = {"namespace_name": namespace, "progress": progress_of(job)}
    return render_page(request, "purge_job.html", context, title=f"Purge of {namespace}")


def _drive(job: PurgeJob) -> None:
    """Do batches for about DRIVE_SECONDS; other writers get in between, because each is a transaction of its own."""
    end, pace = monotonic() + DRIVE_SECONDS, purging.Pace()
    while purging.advance(PurgeJob.Driver.PAGE, pace, only=job) and monotonic() < end:
        sleep(pace.rest)


def _job_or_404(namespace: str, started: str) -> PurgeJob:
    try:
        moment = parse_datetime(started)
    except ValueError:
        moment = None
    job = purging.find(namespace, moment) if isinstance(moment, datetime) and moment.tzinfo else None
    if job is None:
        raise Http404
    return job


def progress_of(job: PurgeJob) -> Progress:
    """How far a job is, how fast it went on average, and how long it will take at that."""
    now = clock.now()
    seconds = (job.updated_at - job.started_at).total_seconds()
    rate = job.removed / seconds if seconds > 0 else 0.0
    rest = max(0, job.expected - job.removed)
    is_removing = job.state == PurgeJob.State.RUNNING and job.erased_revision is None
    return Progress(
        job=job,
        address=timestamp(job.started_at) or "",
        prefix=visible(job.prefix),
        reason=visible(job.reason),
        operator=visible(job.operator),
        share=_share(job.removed, job.expected, is_over=job.erased_revision is not None),
        erased_share=_share(job.erased_revision or 0, job.up_to_revision, is_over=job.state == PurgeJob.State.DONE),
        rate=rate,
        left=timedelta(seconds=round(rest / rate)) if is_removing and rate else None,
        needs_driver=purging.needs_driver(job, now),
    )


def _share(done: int, of: int, *, is_over: bool) -> int:
    """Whole percent; 100 only when it is over."""
    if is_over:
        return 100
    return min(99, done * 100 // of) if of else 0


@operator_page(VIEW)
def export(request: HttpRequest, namespace: str) -> HttpResponse | StreamingHttpResponse:
    """`?prefix=`: what the API exports, streamed."""
    if request.method == "HEAD":
        return HttpResponse(content_type=MEDIA_TYPE)
    state_or_404(namespace)
    try:
        export = exporting.begin_for_operator(namespace, request.GET.get("prefix", ""), operator=operator_name(request))
    except InvalidPrefix as refusal:
        return HttpResponse(str(refusal), content_type="text/plain; charset=utf-8", status=400)
    except TooManyExports as refusal:
        headers = {"Retry-After": str(refusal.facts["retry_after"])}
        return HttpResponse(str(refusal), content_type="text/plain; charset=utf-8", status=503, headers=headers)
    response = export_response(export)
    response["Content-Disposition"] = f'attachment; filename="{namespace.replace(":", "_")}.ndjson"'
    return response


PAGES = [
    Page("namespaces/<str:namespace>/purge/", purge, "purge"),
    Page("namespaces/<str:namespace>/purge/<str:started>/", purge_job, "purge-job"),
    Page("namespaces/<str:namespace>/export/", export, "export"),
]
