"""Reading the moderation log, newest first. It is written by `namespaces.moderation.record`, and never changed."""

from collections.abc import Iterator
from dataclasses import dataclass

from namespaces import database
from namespaces.models import ModerationAction

ROWS_PER_PAGE = 50
ROWS_PER_READ = 1_000


@dataclass(frozen=True, slots=True)
class Filter:
    """Which rows are wanted; an empty field wants all. Each field has an index that gives its rows in order."""

    operator: str = ""
    action: str = ""
    namespace: str = ""


@dataclass(frozen=True, slots=True)
class Page:
    """Some rows, newest first; `older` is what to ask for the next page with, None on the last one."""

    rows: list[ModerationAction]
    older: int | None


def page(chosen: Filter, *, before: int | None = None, most: int = ROWS_PER_PAGE) -> Page:
    """Up to `most` rows older than the row `before`."""
    wanted = {name: text for name in ("operator", "action", "namespace") if (text := getattr(chosen, name))}
    found = ModerationAction.objects.filter(**wanted)
    found = found if before is None else found.filter(id__lt=before)
    with database.turn():
        rows = list(found.order_by("-id")[: most + 1])
    return Page(rows[:most], rows[most - 1].id if len(rows) > most else None)


def rows(chosen: Filter) -> Iterator[ModerationAction]:
    """All rows, page by page, in bounded memory."""
    before = None
    while True:
        found = page(chosen, before=before, most=ROWS_PER_READ)
        database.let_go()  # a slow reader keeps no connection
        yield from found.rows
        if found.older is None:
            return
        before = found.older
