"""Rows with every default filled, so that a test states only its subject."""

from datetime import UTC, datetime

import factory

from namespaces.models import DailyUsage, Namespace


class NamespaceFactory(factory.django.DjangoModelFactory):
    """A namespace that an operator may have limited."""

    name = factory.Sequence(lambda number: f"made-{number}")
    created_at = factory.LazyFunction(lambda: datetime.now(UTC))

    class Meta:
        model = Namespace


class DailyUsageFactory(factory.django.DjangoModelFactory):
    """What one namespace used today."""

    namespace = factory.SubFactory(NamespaceFactory)
    day = factory.LazyFunction(lambda: datetime.now(UTC).date())

    class Meta:
        model = DailyUsage
