"""The stock admin's view of namespaces, to look at only: changing one goes through the domain, with a reason."""

from django.contrib import admin
from django.http import HttpRequest

from namespaces.models import Namespace


@admin.register(Namespace)
class NamespaceAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # not generic when it runs
    list_display = ("name", "status", "revision", "entries", "bytes", "last_write_at", "created_from")
    search_fields = ("name__startswith",)
    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Namespace | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Namespace | None = None) -> bool:
        return False
