"""What operators do to namespaces, each act one transaction with its row in the moderation log.

It knows no account: an operator is a name. Purging, which takes longer than a transaction, is in `namespaces.purging`.
"""

import unicodedata
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from namespaces import clock, database, standing
from namespaces.errors import ActRefused, NamespaceNotFound, Refusal
from namespaces.limits import LIMITS
from namespaces.models import ModerationAction, Namespace
from namespaces.names import check_namespace

Action = ModerationAction.Action
Status = Namespace.Status

STATUS_OF: dict[str, Status] = {
    Action.ACTIVATE: Status.ACTIVE,
    Action.READ_ONLY: Status.READ_ONLY,
    Action.SUSPEND: Status.SUSPENDED,
}
REASON_LENGTH = 1_000


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one act on many namespaces: those it was done to, and why not to the others."""

    done: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)


def record(
    action: Action,
    *,
    operator: str,
    reason: str,
    namespace: str = "",
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
    now: datetime | None = None,
) -> ModerationAction:
    """Add a row to the moderation log; to be called in the transaction of the act itself."""
    return ModerationAction.objects.create(
        at=now or clock.now(),
        operator=operator,
        action=action,
        namespace=namespace,
        reason=reason,
        before=before or {},
        after=after or {},
    )


def set_status(
    namespace: str,
    action: Action,
    *,
    reason: str,
    operator: str,
    until: datetime | None = None,
    now: datetime | None = None,
) -> None:
    """Activate, suspend or make read-only, for good or until a moment that is to come.

    Agents get the reason, word for word. Raises ActRefused, InvalidNamespace, NamespaceNotFound, DatabaseUnavailable.
    """
    now = now or clock.now()
    reason = check_reason(reason)
    check_until(action, until, now)
    is_active = STATUS_OF[action] == Status.ACTIVE
    _change(
        namespace,
        action,
        {
            "status": STATUS_OF[action],
            "status_reason": "" if is_active else reason,
            "status_until": until,
        },
        reason=reason,
        operator=operator,
        now=now,
    )


def set_limits(
    namespace: str,
    limits: Mapping[str, int | None],
    *,
    reason: str,
    operator: str,
    now: datetime | None = None,
) -> None:
    """Set limits of this namespace alone, by name; None is the server's own again, and what is not named stays.

    Raises ActRefused, InvalidNamespace, NamespaceNotFound, DatabaseUnavailable.
    """
    reason = check_reason(reason)
    check_limits(limits)
    columns = {f"limit_{name}": number for name, number in limits.items()}
    _change(namespace, Action.LIMITS, columns, reason=reason, operator=operator, now=now or clock.now())


def for_each(namespaces: Iterable[str], act: Callable[[str], None]) -> Outcome:
    """Do `act` to each of these namespaces, each in a transaction of its own: one that fails holds up no other.

    ActRefused, which is about the act and not about a namespace, is raised.
    """
    outcome = Outcome()
    for name in dict.fromkeys(namespaces):
        try:
            act(name)
        except Refusal as refusal:
            outcome.failed[name] = str(refusal)
        else:
            outcome.done.append(name)
    return outcome


def check_reason(reason: str) -> str:
    """Return `reason` on one line; ActRefused where it says nothing, or too much."""
    line = " ".join(reason.split())
    if not line:
        raise ActRefused("Give a reason: it is kept in the moderation log.", field="reason")
    if len(line) > REASON_LENGTH:
        raise ActRefused(f"A reason has at most {REASON_LENGTH:,} characters.", field="reason")
    if any(unicodedata.category(character) in ("Cc", "Cs") for character in line):
        raise ActRefused("A reason has no control characters and no lone surrogates.", field="reason")
    return line


def check_until(action: str, until: datetime | None, now: datetime) -> None:
    """ActRefused where a restriction cannot end at `until`."""
    if action not in STATUS_OF:
        raise ActRefused("Choose active, read-only or suspended.", field="action")
    if until is None:
        return
    if STATUS_OF[action] == Status.ACTIVE:
        raise ActRefused("An active namespace has no end date: leave it empty.", field="until")
    if until <= now:
        raise ActRefused("The end date is over already: choose one that is to come.", field="until")


def check_limits(limits: Mapping[str, int | None]) -> None:
    """ActRefused where one of these cannot be a limit of a namespace."""
    rows = {row.name: row for row in LIMITS if row.is_per_namespace}
    if not limits:
        raise ActRefused("Name a limit to change.")
    for name, number in limits.items():
        if name not in rows:
            raise ActRefused(f"{name} is no limit of a namespace: {', '.join(rows)} are.")
        if number is not None and not 1 <= number <= rows[name].most_per_namespace:
            most = rows[name].most_per_namespace
            raise ActRefused(f"This limit is a whole number from 1 to {most:,}.", field=f"limit_{name}")


def locked(namespace: str) -> Namespace:
    """The row of a namespace, locked for the rest of the transaction; NamespaceNotFound where there is none."""
    row = Namespace.objects.select_for_update(no_key=True).filter(name=namespace).first()
    if row is None:
        raise NamespaceNotFound(namespace)
    return row


def _change(
    namespace: str, action: Action, columns: dict[str, Any], *, reason: str, operator: str, now: datetime
) -> None:
    """Set columns of a namespace and log the act, in one transaction; then put it in its place in operators' lists."""
    check_namespace(namespace)
    with database.turn(writes=True):
        with database.write_transaction():
            row = locked(namespace)
            before = {name: getattr(row, name) for name in columns}
            Namespace.objects.filter(name=namespace).update(**columns)
            record(
                action,
                operator=operator,
                reason=reason,
                namespace=namespace,
                before=_as_json(before),
                after=_as_json(columns),
                now=now,
            )
        standing.refresh([namespace], now=now)


def _as_json(columns: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in columns.items()}
