"""The addresses of the visitors' pages."""

from django.urls import path

from botwire_site.visitors import documents, doors, home, namespace, sharing, writers

urlpatterns = [
    path("", home.home, name="home"),
    path("robots.txt", home.robots),
    path("llms.txt", documents.llms, name="llms"),
    path("licence", documents.licence, name="licence"),
    path("docs", documents.to_index),
    path("docs/", documents.index, name="documents"),
    path("docs/errors", documents.error_codes, name="error-codes"),
    path("docs/<slug:name>", documents.document, name="document"),
    path("docs/<slug:name>.md", documents.as_markdown, name="document-markdown"),
    path("docs/<path:path>", documents.attachment),
    path("n/", home.find, name="find-namespace"),
    path("n/<str:namespace>", namespace.with_slash),
    path("n/<str:namespace>/", namespace.namespace_page, name="namespace-page"),
    path("n/<str:namespace>/export.ndjson", namespace.export, name="namespace-export"),
    path("n/<str:namespace>/restore", namespace.restore, name="namespace-restore"),
    path("n/<str:namespace>/sign-in", doors.sign_in, name="namespace-sign-in"),
    path("n/<str:namespace>/sign-out", doors.sign_out, name="namespace-sign-out"),
    path("n/<str:namespace>/claim", doors.claim, name="namespace-claim"),
    path("n/<str:namespace>/tokens", sharing.tokens_page, name="namespace-tokens"),
    path("n/<str:namespace>/writers", writers.writers_page, name="namespace-writers"),
    path("n/<str:namespace>/rollback", writers.rollback_page, name="namespace-rollback"),
]
