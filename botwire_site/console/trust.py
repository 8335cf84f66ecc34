"""`/admin/namespaces/<namespace>/access/`: who is let in, who wrote lately, and whom nobody reads.

Operators see that tokens exist, never their texts. They revoke them, and put writers in quarantine, with a reason.
"""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect

from botwire_site.console.access import MODERATE, VIEW, Page, operator_name, operator_page
from botwire_site.console.asking import context_of, of_namespace, status_of
from botwire_site.console.rendering import render_page, visible
from namespaces import history, quarantining, tokens
from namespaces.callers import AN_OPERATOR
from namespaces.errors import ActRefused, Refusal
from namespaces.history import WRITERS_WITHIN
from namespaces.models import Namespace
from namespaces.names import Writer


@operator_page(VIEW, to_post=MODERATE)
@of_namespace
def trust(request: HttpRequest, namespace: Namespace) -> HttpResponse:
    """The tokens and writers of a namespace; a POST says by `action` what to do with one, and why."""
    if request.method != "POST":
        return _page(request, namespace)
    try:
        messages.success(request, _act(namespace.name, request.POST, operator_name(request)))
    except (Refusal, ActRefused) as refusal:
        return _page(request, namespace, refusal)
    return redirect("admin:trust", namespace.name)


def _act(namespace: str, given: QueryDict, operator: str) -> str:
    """Do what a form says, and tell it in words."""
    reason, meant = given.get("reason", ""), Writer(given.get("writer", ""), given.get("verified") == "true")
    match given.get("action"):
        case "revoke":
            revoked = tokens.revoke_by_operator(namespace, given.get("id", ""), operator=operator, reason=reason)
            others = revoked.count - 1
            return f"The token {revoked.id} is revoked" + (f", with {others:,} shared with it." if others else ".")
        case "quarantine":
            quarantining.quarantine_by_operator(namespace, meant, reason=reason, operator=operator)
            return f"In quarantine: {visible(meant.name) or 'the unnamed'}. Nobody reads what it wrote."
        case "release":
            quarantining.release_by_operator(namespace, meant, reason=reason, operator=operator)
            return f"Released: {visible(meant.name) or 'the unnamed'}."
        case _:
            raise ActRefused("There is nothing to do.", field="action")


def _page(request: HttpRequest, namespace: Namespace, refusal: Refusal | ActRefused | None = None) -> HttpResponse:
    hidden = quarantining.quarantined(namespace.name, caller=AN_OPERATOR)
    writers = {row.writer for row in hidden}
    recent = history.recent_writers(namespace.name, caller=AN_OPERATOR)
    more: dict[str, Any] = {
        "tokens": tokens.all_of(namespace.name),
        "quarantined": hidden,
        "recent": [(row, row.writer in writers) for row in recent],
        "within": WRITERS_WITHIN,
        "refusal": refusal,
        "given": request.POST,
    }
    found = context_of(namespace, **more)
    status = status_of(refusal) if refusal else 200
    return render_page(request, "trust.html", found, title=f"Access: {namespace.name}", status=status)


PAGES = [Page("namespaces/<str:namespace>/access/", trust, "trust")]
