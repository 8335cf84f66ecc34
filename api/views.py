"""The addresses of the memory plane: each view reads the request, makes one call of the domain, and renders."""

from functools import partial
from typing import Any

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.views import APIView

from api import rendering, schema
from api.bodies import (
    FRAME_BYTES,
    change_body_of,
    content_of,
    content_up_to,
    lease_body_of,
    lines_of,
    operations_of,
    parsed,
)
from api.brakes import creation_brake
from api.conditional import condition_of
from api.portability import export_response, part_of
from api.problems import answer, safe_only
from api.repeating import answer_again, terms_of
from api.requests import (
    address_of,
    choice_of,
    fencing_of,
    key_of,
    lease_name_of,
    namespace_of,
    page_limit_of,
    parameters_of,
    since_of,
    truth_of,
    wait_of,
    wants_minimal,
    wants_stream,
    wants_values,
    writer_of,
)
from api.waits import FULFILLED, TIMEOUT, awaited_in, outcome_of
from namespaces import batches, changes, database, exporting, importing, leases, reading, removal, tally, writing
from namespaces.callers import Caller
from namespaces.errors import DatabaseTrouble, KeyNotFound, Refusal
from namespaces.importing import OnConflict
from namespaces.limits import limit
from namespaces.units import Repeated


def caller_of(request: HttpRequest) -> Caller:
    """Who makes this request, as the domain wants to know it."""
    return Caller(writer_of(request), address=address_of(request), admit_creation=creation_brake(request))


class MemoryView(APIView):
    """What the views have in common: refusals are counted for the namespace they hit, OPTIONS tells the methods.

    `more_headers` are those that an answer gets whether it is one or a refusal.
    """

    def setup(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        super().setup(request, *args, **kwargs)
        self.more_headers: dict[str, str] = {}

    def handle_exception(self, exc: Exception) -> Any:
        if isinstance(exc, Repeated):
            return rendering.response_of(answer_again(exc))
        if isinstance(exc, Refusal) and "namespace" in self.kwargs:
            tally.count_refusal(self.kwargs["namespace"], exc.code)
        return super().handle_exception(exc)

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        answered = super().finalize_response(request, response, *args, **kwargs)
        for name, value in self.more_headers.items():
            answered[name] = value
        return answered

    @extend_schema(exclude=True)
    def options(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        return HttpResponse(status=204, headers={"Allow": ", ".join(self.allowed_methods)})


class EntryView(MemoryView):
    """`/memory/{namespace}/{key}`: one entry. Nothing is waited for here: see `api.lane.held`."""

    @schema.get_entry
    def get(self, request: Request, namespace: str, key: str) -> HttpResponse:
        none_match = request.headers.get("If-None-Match")
        awaited = awaited_in(parameters_of(request, "wait", "equals"), none_match)
        try:
            entry = reading.get_entry(namespace_of(request), key_of(request))
        except KeyNotFound:
            self.more_headers |= outcome_of(awaited, None)
            raise
        self.more_headers |= outcome_of(awaited, entry)
        tally.count_read(entry.namespace)
        return rendering.response_of(rendering.entry_answer(entry, none_match))

    @schema.set_entry
    def put(self, request: Request, namespace: str, key: str) -> HttpResponse:
        parameters_of(request)
        namespace, key = namespace_of(request), key_of(request)
        condition, caller = condition_of(request), caller_of(request)
        content = content_of(request, namespace)
        body, terms = parsed(content), terms_of(request, content, rendering.written_answer)
        written = writing.set_entry(
            namespace, key, body.value, ttl=body.ttl, condition=condition, caller=caller, terms=terms
        )
        tally.count_write(namespace)
        return rendering.response_of(rendering.written_answer(written))

    @schema.change_entry
    def patch(self, request: Request, namespace: str, key: str) -> HttpResponse:
        parameters_of(request)
        namespace, key = namespace_of(request), key_of(request)
        condition, caller = condition_of(request), caller_of(request)
        content = content_of(request, namespace)
        body = change_body_of(request.META.get("CONTENT_TYPE", ""), content)
        answer = partial(rendering.changed_answer, is_minimal=wants_minimal(request))
        terms = terms_of(request, content, answer)
        changed = writing.change_entry(
            namespace, key, body.edit, ttl=body.ttl, condition=condition, caller=caller, terms=terms
        )
        tally.count_write(namespace)
        return rendering.response_of(answer(changed))

    @schema.delete_entry
    def delete(self, request: Request, namespace: str, key: str) -> HttpResponse:
        parameters_of(request)
        namespace, key = namespace_of(request), key_of(request)
        condition, caller = condition_of(request), caller_of(request)
        terms = terms_of(request, b"", rendering.deleted_answer)
        deleted = writing.delete_entry(namespace, key, condition=condition, caller=caller, terms=terms)
        tally.count_write(namespace)
        return rendering.response_of(rendering.deleted_answer(deleted))


class EntriesView(MemoryView):
    """`/memory/{namespace}`: all entries, or those under a prefix."""

    @schema.list_entries
    def get(self, request: Request, namespace: str) -> HttpResponse:
        parameters = parameters_of(request, "prefix", "cursor", "limit", "include")
        namespace = namespace_of(request)
        page = reading.list_entries(
            namespace,
            prefix=parameters.get("prefix", ""),
            cursor=parameters.get("cursor", ""),
            most=page_limit_of(parameters),
            with_values=wants_values(parameters),
        )
        tally.count_read(namespace)
        return rendering.json_response(rendering.page_body(namespace, page))

    @schema.clear_entries
    def delete(self, request: Request, namespace: str) -> HttpResponse:
        parameters = parameters_of(request, "prefix")
        cleared = removal.clear(namespace_of(request), parameters.get("prefix", ""), caller=caller_of(request))
        if cleared.allowance:
            tally.count_write(cleared.namespace)
        headers = rendering.rate_limit_headers(cleared.allowance) if cleared.allowance else {}
        return rendering.json_response(rendering.cleared_body(cleared), headers=headers)


class NamespaceView(MemoryView):
    """`/namespaces/{namespace}`: status, limits, usage."""

    @schema.get_namespace
    def get(self, request: Request, namespace: str) -> HttpResponse:
        parameters_of(request)
        return rendering.json_response(rendering.state_body(reading.state(namespace_of(request))))


class ChangesView(MemoryView):
    """`/namespaces/{namespace}/changes`: what happened after a revision. Nothing is waited for here either."""

    @schema.get_changes
    def get(self, request: Request, namespace: str) -> HttpResponse:
        parameters = parameters_of(request, "since", "prefix", "limit", "wait")
        is_stream = wants_stream(request.headers.get("Accept", ""))
        page = changes.changes_since(
            namespace_of(request),
            since_of(parameters, request.headers.get("Last-Event-ID", "") if is_stream else ""),
            prefix=parameters.get("prefix", ""),
            most=page_limit_of(parameters),
        )
        tally.count_read(page.namespace)
        if is_stream:
            return rendering.response_of(rendering.events_answer(page))
        if wait_of(parameters) is not None:
            self.more_headers |= FULFILLED if page.changes else TIMEOUT
        return rendering.json_response(rendering.changes_body(page))


class ExportView(MemoryView):
    """`/namespaces/{namespace}/export`: everything under a prefix, as it was at one revision."""

    @schema.export
    def get(self, request: Request, namespace: str) -> StreamingHttpResponse:
        parameters = parameters_of(request, "prefix", "history")
        namespace, has_history = namespace_of(request), truth_of(parameters, "history")
        export = exporting.begin(namespace, parameters.get("prefix", ""), has_history=has_history)
        tally.count_read(namespace)
        return export_response(export)


class ImportView(MemoryView):
    """`/namespaces/{namespace}/import`: a part of an export is taken in, all or nothing."""

    @schema.import_
    def post(self, request: Request, namespace: str) -> HttpResponse:
        parameters = parameters_of(request, "dry_run", "on_conflict", "origin")
        is_dry_run = truth_of(parameters, "dry_run")
        on_conflict = OnConflict(choice_of(parameters, "on_conflict", tuple(OnConflict)))
        namespace, caller = namespace_of(request), caller_of(request)
        content = lines_of(request, max(limit("batch_bytes"), 2 * reading.value_limit(namespace) + FRAME_BYTES))
        part = part_of(content, parameters.get("origin"))
        report = importing.take_in(namespace, part, on_conflict=on_conflict, is_dry_run=is_dry_run, caller=caller)
        if report.allowance:
            tally.count_write(namespace)
        return rendering.response_of(rendering.import_answer(report, is_dry_run=is_dry_run))


class BatchView(MemoryView):
    """`/namespaces/{namespace}/batch`: several reads and writes, all or nothing."""

    @schema.batch
    def post(self, request: Request, namespace: str) -> HttpResponse:
        parameters_of(request)
        namespace, caller = namespace_of(request), caller_of(request)
        content = content_up_to(request, limit("batch_bytes"))
        operations = operations_of(content, namespace, caller)
        terms = terms_of(request, content, rendering.batch_answer)
        batch = batches.carry_out(namespace, operations, caller=caller, terms=terms)
        return rendering.response_of(rendering.batch_answer(batch))


class LeaseView(MemoryView):
    """`/namespaces/{namespace}/leases/{name}`: one lease."""

    @schema.get_lease
    def get(self, request: Request, namespace: str, name: str) -> HttpResponse:
        parameters_of(request)
        return rendering.response_of(rendering.lease_answer(leases.find(namespace_of(request), lease_name_of(request))))

    @schema.acquire_lease
    def post(self, request: Request, namespace: str, name: str) -> HttpResponse:
        parameters_of(request)
        namespace, name, caller = namespace_of(request), lease_name_of(request), caller_of(request)
        content = content_up_to(request, FRAME_BYTES)
        body = lease_body_of(content, "ttl", optional=("holder",))
        terms = terms_of(request, content, rendering.acquired_answer)
        lease = leases.acquire(namespace, name, body.ttl, holder=body.holder, caller=caller, terms=terms)
        return rendering.response_of(rendering.acquired_answer(lease))

    @schema.renew_lease
    def put(self, request: Request, namespace: str, name: str) -> HttpResponse:
        parameters_of(request)
        namespace, name = namespace_of(request), lease_name_of(request)
        content = content_up_to(request, FRAME_BYTES)
        body, terms = lease_body_of(content, "fencing", "ttl"), terms_of(request, content, rendering.lease_answer)
        lease = leases.renew(namespace, name, body.fencing, body.ttl, terms=terms)
        return rendering.response_of(rendering.lease_answer(lease))

    @schema.release_lease
    def delete(self, request: Request, namespace: str, name: str) -> HttpResponse:
        fencing = fencing_of(parameters_of(request, "fencing"))
        namespace, name = namespace_of(request), lease_name_of(request)
        answer = partial(rendering.released_answer, namespace)
        released = leases.release(namespace, name, fencing, terms=terms_of(request, b"", answer))
        return rendering.response_of(answer(released))


class ClaimsView(MemoryView):
    """`/namespaces/{namespace}/claims`: the next entry that nobody works on."""

    @schema.claim
    def post(self, request: Request, namespace: str) -> HttpResponse:
        parameters_of(request)
        namespace, caller = namespace_of(request), caller_of(request)
        content = content_up_to(request, FRAME_BYTES)
        body = lease_body_of(content, "prefix", "ttl", optional=("holder",))
        terms = terms_of(request, content, rendering.claim_answer)
        claim = leases.claim(namespace, body.prefix, body.ttl, holder=body.holder, caller=caller, terms=terms)
        return rendering.response_of(rendering.claim_answer(claim))


@safe_only
def healthz(request: HttpRequest) -> HttpResponse:
    """Liveness: this process answers. Asks nobody else."""
    return rendering.json_response('{"status": "ok"}')


@safe_only
def readyz(request: HttpRequest) -> HttpResponse:
    """Readiness: the database answers, and its tables are there; else 503 `database_unavailable`."""
    try:
        database.check()
    except DatabaseTrouble as trouble:
        return answer(trouble)
    return rendering.json_response('{"status": "ok"}')
