"""Export: everything under a prefix, page by page, in bounded memory. Each export is a row in the moderation log."""

from collections.abc import Iterator

from namespaces import clock, database
from namespaces.models import Entry
from namespaces.moderation import Action, locked, record
from namespaces.names import check_namespace, check_prefix
from namespaces.reading import Remembered, key_of_cursor, page_of

KEYS_PER_PAGE = 1_000


def export(namespace: str, prefix: str, *, operator: str) -> Iterator[Remembered]:
    """Log the export, then give every live entry under `prefix` in byte order.

    An entry is given as it is when its page is read: what is written meanwhile may or may not be in it. Raises, at
    once, InvalidNamespace, InvalidPrefix, NamespaceNotFound, DatabaseUnavailable; the last one also from a later page.
    """
    check_namespace(namespace)
    check_prefix(prefix)
    with database.turn(writes=True), database.write_transaction():
        row = locked(namespace)
        after = {"prefix": prefix, "entries": row.entries, "revision": row.revision}
        record(Action.EXPORT, operator=operator, reason="", namespace=namespace, after=after)
    return _entries(namespace, prefix)


def _entries(namespace: str, prefix: str) -> Iterator[Remembered]:
    chosen = Entry.objects.filter(namespace_id=namespace).under(prefix).live(clock.now())
    rest = chosen
    while True:
        with database.turn():
            page = page_of(rest, KEYS_PER_PAGE, with_values=True)
        # A slow reader keeps neither a turn nor one of PostgreSQL's connections while it takes this page.
        database.let_go()
        yield from page.entries or ()
        if page.next_cursor is None:
            return
        rest = chosen.filter(key__gt=key_of_cursor(page.next_cursor))
