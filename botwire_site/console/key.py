"""`/admin/namespaces/<namespace>/key/?key=`: one entry, its versions, and what an operator may do to it.

Every act is on the condition that the entry still is as the form showed it. Where another writer was faster, the page
tells who and what, and keeps the operator's text.
"""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

from botwire_site.console.access import MODERATE, VIEW, Page, operator_name, operator_page
from botwire_site.console.asking import as_number, context_of, number_of, of_namespace, status_of
from botwire_site.console.entry import Sight, commands_of, fault_in, value_view
from botwire_site.console.rendering import render_page, visible
from botwire_site.templatetags.memory import address
from namespaces import editing
from namespaces.errors import ActRefused, InvalidInput, PreconditionFailed, Refusal
from namespaces.jsontext import JSONText
from namespaces.models import Namespace


@operator_page(VIEW, to_post=MODERATE)
@of_namespace
def key(request: HttpRequest, namespace: Namespace) -> HttpResponse:
    """The entry under `?key=`: its value by `?view=`, at `?version=`; a POST edits, deletes or restores it."""
    if request.method == "POST":
        return _act(request, namespace)
    sight = Sight.of(namespace, request.GET.get("key", ""), number_of(request, "version"))
    return _page(request, sight, value_view(sight, request.GET))


def _page(request: HttpRequest, sight: Sight, more: dict[str, Any], *, status: int = 200) -> HttpResponse:
    server = request.build_absolute_uri("/").rstrip("/")
    found = context_of(
        sight.namespace,
        sight=sight,
        versions=sight.versions(number_of(request, "before")),
        commands=commands_of(server, sight),
        **more,
    )
    if status == 200 and not sight.is_anything:
        status = 404
    return render_page(request, "key.html", found, title=visible(sight.key), status=status)


def _act(request: HttpRequest, namespace: Namespace) -> HttpResponse:
    """Do what the form says, and show the entry; or the form again, with what was in it and why it was refused."""
    given = request.POST
    name, text = given.get("key", ""), given.get("value", "").replace("\r\n", "\n")
    seen = as_number(given.get("version", ""))
    try:
        act = editing.Act(namespace.name, name, seen, operator_name(request), given.get("reason", ""))
        messages.success(request, _carry_out(act, given, text))
    except (Refusal, ActRefused) as refusal:
        sight = Sight.of(namespace, name, None)
        return _page(request, sight, _refused(sight, given, text, seen, refusal), status=status_of(refusal))
    return HttpResponseRedirect(address("key", namespace.name, key=name), status=303)


def _carry_out(act: editing.Act, given: Any, text: str) -> str:
    match given.get("action"):
        case "edit":
            done = editing.edit(act, JSONText.parse(text), keeps_expiry="forever" not in given)
            return f"Saved as version {done.version:,}."
        case "delete":
            return f"Deleted; the deletion is revision {editing.delete(act).version:,}."
        case "restore":
            version = as_number(given.get("restored", "")) or 0
            return f"Version {version:,} is restored, as version {editing.restore(act, version).version:,}."
        case _:
            raise InvalidInput("There is nothing to do.")


def _refused(sight: Sight, given: Any, text: str, seen: int | None, refusal: Refusal | ActRefused) -> dict[str, Any]:
    """What the page says of a refusal: in the form of the act, with everything that was entered."""
    is_lost = isinstance(refusal, PreconditionFailed)
    return {
        "view": given.get("action", "edit"),
        "text": text,
        "reason": given.get("reason", ""),
        "forever": "forever" in given,
        "restored": as_number(given.get("restored", "")),
        "refusal": refusal,
        "fault": fault_in(text) if isinstance(refusal, InvalidInput) and given.get("action") == "edit" else None,
        "race": sight.race(seen, text if given.get("action") == "edit" else None) if is_lost else None,
        "opened": sight.current_version if is_lost else seen,
    }


PAGES = [Page("namespaces/<str:namespace>/key/", key, "key")]
