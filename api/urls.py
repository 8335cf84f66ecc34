"""The addresses of the API. Names are read from the raw path (`api.requests`); what is captured here only routes."""

from csp.constants import SELF
from csp.decorators import csp_update
from django.urls import path, register_converter
from django.urls.converters import StringConverter
from drf_spectacular.views import SpectacularJSONAPIView, SpectacularSwaggerSplitView

from api import views


class KeyConverter(StringConverter):
    """Anything at all, slashes and line breaks included."""

    regex = r"(?s:.*)"


register_converter(KeyConverter, "key")

# Swagger UI's icons are data: images in its own style sheet; nothing else is loosened.
docs = csp_update({"img-src": [SELF, "data:"]})(SpectacularSwaggerSplitView.as_view(url_name="schema"))

urlpatterns = [
    path("memory/<str:namespace>", views.EntriesView.as_view(), name="entries"),
    path("memory/<str:namespace>/<key:key>", views.EntryView.as_view(), name="entry"),
    path("namespaces/<str:namespace>", views.NamespaceView.as_view(), name="namespace"),
    path("namespaces/<str:namespace>/batch", views.BatchView.as_view(), name="batch"),
    path("namespaces/<str:namespace>/changes", views.ChangesView.as_view(), name="changes"),
    path("namespaces/<str:namespace>/export", views.ExportView.as_view(), name="export"),
    path("namespaces/<str:namespace>/import", views.ImportView.as_view(), name="import"),
    path("namespaces/<str:namespace>/leases/<key:name>", views.LeaseView.as_view(), name="lease"),
    path("namespaces/<str:namespace>/claims", views.ClaimsView.as_view(), name="claims"),
    path("namespaces/<str:namespace>/history", views.HistoryView.as_view(), name="history"),
    path("namespaces/<str:namespace>/restore", views.RestoreView.as_view(), name="restore"),
    path("namespaces/<str:namespace>/rollback", views.RollbackView.as_view(), name="rollback"),
    path("namespaces/<str:namespace>/rollbacks/<key:job>", views.RollbackJobView.as_view(), name="rollback-job"),
    path("namespaces/<str:namespace>/quarantine", views.QuarantineView.as_view(), name="quarantine"),
    path("namespaces/<str:namespace>/claim", views.ClaimNamespaceView.as_view(), name="claim-namespace"),
    path("namespaces/<str:namespace>/tokens", views.TokensView.as_view(), name="tokens"),
    path("namespaces/<str:namespace>/tokens/<str:token_id>", views.TokenView.as_view(), name="token"),
    path("namespaces/<str:namespace>/tokens/<str:token_id>/rotate", views.RotationView.as_view(), name="rotation"),
    path("healthz", views.healthz, name="healthz"),
    path("readyz", views.readyz, name="readyz"),
    path("api/schema/", SpectacularJSONAPIView.as_view(), name="schema"),
    path("api/docs/", docs, name="docs"),
]
