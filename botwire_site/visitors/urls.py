"""The addresses of the visitors' pages."""

from django.urls import path

from botwire_site.visitors import documents, home, namespace

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
]
