"""Rows with every default filled, so that a test states only its subject."""

from datetime import UTC, datetime

import factory

from namespaces.models import Namespace


class NamespaceFactory(factory.django.DjangoModelFactory):
    """A namespace that an operator may have limited."""

    name = factory.Sequence(lambda number: f"made-{number}")
    created_at = factory.LazyFunction(lambda: datetime.now(UTC))

    class Meta:
        model = Namespace
