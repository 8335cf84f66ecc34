"""The admin application with BotWire's own site as its default."""

from django.contrib.admin.apps import AdminConfig


class OperatorConfig(AdminConfig):
    default_site = "botwire_site.console.site.OperatorSite"
