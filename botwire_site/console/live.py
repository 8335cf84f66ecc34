"""`/admin/namespaces/<namespace>/live/`: the change log as it happens. Without script it is a page to load again."""

from django.http import HttpRequest, HttpResponse

from botwire_site.console.access import VIEW, Page, operator_page
from botwire_site.console.asking import context_of, number_of, of_namespace
from botwire_site.console.rendering import render_page
from namespaces import history
from namespaces.models import Namespace


@operator_page(VIEW)
@of_namespace
def live(request: HttpRequest, namespace: Namespace) -> HttpResponse:
    """The newest changes above revision `?since=`; those up to `?until=`, which stand still."""
    since, until = number_of(request, "since") or 0, number_of(request, "until")
    log = history.changes_of(namespace, since=since, until=until)
    newest = log.changes[0].revision if log.changes else max(since, namespace.trimmed_revision)
    found = context_of(
        namespace,
        log=log,
        since=since,
        until=until,
        newest=newest,
        oldest=log.changes[-1].revision if log.changes else None,
    )
    return render_page(request, "live.html", found, title=f"Live: {namespace.name}")


PAGES = [Page("namespaces/<str:namespace>/live/", live, "live")]
