"""The Django application of the domain. Nothing is connected or started here: importing it has no effect."""

from django.apps import AppConfig


class NamespacesConfig(AppConfig):
    name = "namespaces"
