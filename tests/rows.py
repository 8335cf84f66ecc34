"""Every row that the domain keeps, to prove that a refusal changed none, and recounts to prove counters exact."""

from typing import Any

from django.db.models import Count, Sum

from namespaces.models import (
    Change,
    DailyUsage,
    Entry,
    Lease,
    Namespace,
    Quarantine,
    Receipt,
    Restoration,
    RollbackJob,
    Token,
)

_ORDER: dict[Any, str] = {
    Namespace: "name",
    Entry: "key",
    Change: "revision",
    DailyUsage: "day",
    Lease: "name",
    Receipt: "key",
    Restoration: "origin",
    Token: "digest",
    Quarantine: "writer",
    RollbackJob: "started_at",
}


def all_rows() -> dict[str, list[dict[str, Any]]]:
    """The content of every table of the domain, in the order of its primary key."""
    return {model.__name__: list(model.objects.order_by("pk", by).values()) for model, by in _ORDER.items()}


NO_ROWS: dict[str, list[dict[str, Any]]] = {model.__name__: [] for model in _ORDER}


def assert_counters_exact(namespace: str) -> None:
    """The stored counters are what a recount of the rows gives, and the log has no gap."""
    row = Namespace.objects.get(name=namespace)
    entries = Entry.objects.filter(namespace_id=namespace)
    assert row.entries == entries.count()
    assert row.bytes == (entries.aggregate(total=Sum("bytes"))["total"] or 0)
    assert row.bytes == sum(len(entry.key.encode()) + len(entry.value.encode()) for entry in entries)
    log = Change.objects.filter(namespace_id=namespace).aggregate(total=Sum("bytes"), number=Count("revision"))
    assert row.log_bytes == (log["total"] or 0)
    assert row.revision - row.trimmed_revision == log["number"]
