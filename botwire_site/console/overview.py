"""`/admin/`: where an operator begins."""

from django.http import HttpRequest, HttpResponse

from botwire_site.console.access import VIEW, Page, operator_page
from botwire_site.console.rendering import render_page


@operator_page(VIEW)
def overview(request: HttpRequest) -> HttpResponse:
    """What the service does at this moment, and who needs attention."""
    return render_page(request, "overview.html", title="Overview")


PAGES = [Page("", overview, "index")]
