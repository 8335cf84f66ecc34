"""Moderate: status and limits of a namespace, with the very answer that its agents will get; many from a list."""

from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import redirect
from django.utils.http import url_has_allowed_host_and_scheme

from api.problems import answer
from botwire_site.console.access import MODERATE, Page, operator_name, operator_page
from botwire_site.console.acts import ActForm, LimitsForm, StatusForm, act_form_of, as_typed, attempt
from botwire_site.console.log import logged
from botwire_site.console.rendering import render_page, visible
from namespaces import moderation_log, reading
from namespaces.callers import AN_OPERATOR
from namespaces.errors import Missing, Refusal
from namespaces.limits import LIMITS, limit
from namespaces.models import Namespace
from namespaces.moderation import STATUS_OF, Action, Outcome, for_each
from namespaces.verdicts import restriction_of

ACTIONS = [
    (Action.ACTIVATE, "Active", "Agents read and write."),
    (Action.READ_ONLY, "Read-only", "Agents read; every write is refused."),
    (Action.SUSPEND, "Suspended", "Every read and every write is refused."),
]
ACTION_OF = {status: action for action, status in STATUS_OF.items()}
UNITS = {"writes_per_day": "Writes a day", "bytes": "Stored bytes", "value_bytes": "Bytes of one value"}
SHOWN_ACTIONS = 8
SHOWN_FAILURES = 10
MOST_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Preview:
    """The answer that agents will get, as it goes over the wire."""

    start: str
    headers: list[tuple[str, str]]
    body: str


@dataclass(frozen=True, slots=True)
class LimitRow:
    """One limit beside what counts and what is used. `own` is what the operator has typed, or what is set."""

    name: str
    label: str
    own: str
    in_force: int
    default: int
    most: int
    used: int | None
    errors: list[str]


@operator_page(MODERATE, to_post=MODERATE)
def moderate(request: HttpRequest, namespace: str) -> HttpResponse:
    """Show what counts for a namespace, or change it. `?action=&reason=&until=` previews without changing."""
    state = state_or_404(namespace)
    if request.method == "POST":
        form = act_form_of(request.POST)
        if attempt(form, lambda: form.act(namespace, operator_name(request)) or True):
            messages.success(request, f"The namespace {namespace}: {_done(request.POST['action'])}.")
            return redirect("admin:moderate", namespace)
        return _page(request, state, form, status=400)
    return _page(request, state, StatusForm(request.GET) if "action" in request.GET else None)


def _page(request: HttpRequest, state: reading.State, form: ActForm | None, *, status: int = 200) -> HttpResponse:
    namespace = state.name
    history = moderation_log.page(moderation_log.Filter(namespace=namespace), most=SHOWN_ACTIONS)
    context = {
        "namespace_name": namespace,
        "state": state,
        "shown_reason": visible(state.reason),
        "status_form": _status_fields(form, state),
        "actions": ACTIONS,
        "preview": preview_of(namespace, form, state),
        "limits_form": form if isinstance(form, LimitsForm) else None,
        "limits": _limit_rows(form, state),
        "history": [logged(row) for row in history.rows],
        "has_older": history.older is not None,
    }
    return render_page(request, "moderate.html", context, title=f"Moderate {namespace}", status=status)


def state_or_404(namespace: str) -> reading.State:
    """A namespace's state; a page about one that never existed is not found."""
    try:
        return reading.state(namespace, caller=AN_OPERATOR)
    except (Missing, Refusal) as refusal:
        if isinstance(refusal, Missing) or refusal.code == "invalid_namespace":
            raise Http404 from refusal
        raise


def _status_fields(form: ActForm | None, state: reading.State) -> dict[str, Any]:
    """What stands in the fields of the status form: what was typed, else what is in force."""
    if isinstance(form, StatusForm):
        form.is_valid()
        typed = {name: form.data.get(name, "") for name in form.fields}
        return {**typed, "errors": form.errors, "is_bound": True}
    action = ACTION_OF[Namespace.Status(state.status)]
    return {"action": action, "reason": state.reason, "until": as_typed(state.until), "errors": {}, "is_bound": False}


def preview_of(namespace: str, form: ActForm | None, state: reading.State) -> Preview | None:
    """What agents will get after this act, rendered by what answers them; None where nothing is refused."""
    if isinstance(form, StatusForm):
        form.is_valid()
        said = form.cleaned_data
        status = STATUS_OF.get(said.get("action", ""), Namespace.Status.ACTIVE)
        restriction = restriction_of(namespace, status, " ".join(said.get("reason", "").split()), said.get("until"))
    else:
        restriction = restriction_of(namespace, state.status, state.reason, state.until)
    if restriction is None:
        return None
    response = answer(restriction)
    start = f"HTTP/1.1 {response.status_code} {response.reason_phrase}"
    return Preview(start, list(response.items()), response.content.decode())


def _limit_rows(form: ActForm | None, state: reading.State) -> list[LimitRow]:
    used = {"writes_per_day": state.writes, "bytes": state.bytes}
    typed = form if isinstance(form, LimitsForm) else None
    return [
        LimitRow(
            name=row.name,
            label=UNITS[row.name],
            own=str(typed.data.get(f"limit_{row.name}", "") if typed else state.own_limits.get(row.name, "")),
            in_force=state.limits[row.name],
            default=limit(row.name),
            most=row.most_per_namespace,
            used=used.get(row.name),
            errors=[str(error) for error in typed.errors.get(f"limit_{row.name}", [])] if typed else [],
        )
        for row in LIMITS
        if row.is_per_namespace
    ]


@operator_page(MODERATE, to_post=MODERATE)
def moderate_many(request: HttpRequest) -> HttpResponse:
    """Do one act, with one reason, to every `namespace` that was chosen; then go to `next`, and say what failed."""
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    back = _local(request.POST.get("next", ""))
    chosen = request.POST.getlist("namespace")
    if not 1 <= len(chosen) <= MOST_AT_ONCE:
        messages.error(request, f"Choose 1 to {MOST_AT_ONCE} namespaces first.")
        return redirect(back)
    form = act_form_of(request.POST)
    outcome = attempt(form, lambda: for_each(chosen, lambda name: form.act(name, operator_name(request))))
    if outcome is None:
        for error in (text for texts in form.errors.values() for text in texts):
            messages.error(request, f"Nothing was changed. {error}")
    else:
        _tell(request, outcome)
    return redirect(back)


def _tell(request: HttpRequest, outcome: Outcome) -> None:
    if outcome.done:
        number = f"{len(outcome.done):,} namespace{'s'[: len(outcome.done) != 1]}"
        messages.success(request, f"{number}: {_done(request.POST['action'])}.")
    for name, why in list(outcome.failed.items())[:SHOWN_FAILURES]:
        messages.error(request, f"Not changed: {visible(name)}. {why}")
    if len(outcome.failed) > SHOWN_FAILURES:
        messages.error(request, f"{len(outcome.failed) - SHOWN_FAILURES:,} more were not changed.")


def _done(action: str) -> str:
    """What an act did, in words."""
    return {
        Action.ACTIVATE: "active, agents read and write",
        Action.READ_ONLY: "read-only",
        Action.SUSPEND: "suspended",
        Action.LIMITS: "limits changed",
    }[Action(action)]


def _local(path: str) -> str:
    """`path` if it is one of this site; else the overview."""
    is_local = path.startswith("/") and url_has_allowed_host_and_scheme(path, allowed_hosts=None)
    return path if is_local else "admin:index"


PAGES = [
    Page("namespaces/<str:namespace>/moderate/", moderate, "moderate"),
    Page("moderate/", moderate_many, "moderate-many"),
]
