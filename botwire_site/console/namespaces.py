"""`/admin/namespaces/`: the list of namespaces, filtered and in order; the form acts on all that are selected."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.http import urlencode

from botwire_site.console.access import VIEW, Page, operator_page
from botwire_site.console.overview import address_of
from botwire_site.console.rendering import render_page
from namespaces.errors import InvalidCursor
from namespaces.overview import ORDERS, STATUSES, USES, Choice, ListPage, find


class UnknownFilter(ValueError):
    """A filter of the address that no list knows."""


@operator_page(VIEW)
def namespaces(request: HttpRequest) -> HttpResponse:
    """Namespaces with what they use of their limits."""
    try:
        choice = choice_of(request)
        page = find(choice, cursor=request.GET.get("after", ""))
    except (UnknownFilter, InvalidCursor) as fault:
        context = {**_form(Choice()), "fault": str(fault)}
        return render_page(request, "namespaces.html", context, title="Namespaces", status=400)
    return render_page(request, "namespaces.html", {**_form(choice), **_shown(request, page)}, title="Namespaces")


def _form(choice: Choice) -> dict[str, Any]:
    return {"choice": choice, "statuses": STATUSES, "uses": USES, "orders": ORDERS}


def _shown(request: HttpRequest, page: ListPage) -> dict[str, Any]:
    given = {name: value for name, value in request.GET.dict().items() if value and name != "after"}
    return {
        "page": page,
        "here": request.get_full_path(),
        "first": f"?{urlencode(given)}" if "after" in request.GET else "",
        "next": f"?{urlencode({**given, 'after': page.next_cursor})}" if page.next_cursor else "",
        "is_filtered": bool(given.keys() - {"order"}),
    }


def choice_of(request: HttpRequest) -> Choice:
    """The choice that the address states; raises UnknownFilter."""
    address = request.GET.get("address", "").strip()
    if address and not address_of(address):
        raise UnknownFilter(f"{address!r} is no client address.")
    refused = request.GET.get("refused", "")
    if not refused.replace("_", "a").isalnum() and refused:
        raise UnknownFilter(f"{refused!r} is no code of a refusal.")
    return Choice(
        prefix=request.GET.get("prefix", "").strip(),
        status=_one_of(request, "status", STATUSES),
        use=_one_of(request, "use", USES),
        address=address_of(address),
        is_idle=_one_of(request, "idle", {"30": ""}) == "30",
        refused=refused,
        order=_one_of(request, "order", ORDERS) or "name",
    )


def _one_of(request: HttpRequest, name: str, known: dict[str, Any]) -> str:
    given = request.GET.get(name, "")
    if given and given not in known:
        raise UnknownFilter(f"{name} can be {', '.join(known)}; not {given!r}.")
    return given


PAGES = [Page("namespaces/", namespaces, "namespaces")]
