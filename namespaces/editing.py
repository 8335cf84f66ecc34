"""What operators do to single entries: set, delete, restore, each one transaction with its row in the moderation log.

They write on the path of all writes (`namespaces.writing`), on the condition that the entry still is as they saw it.
The moderation log tells versions, not values: those are in the change log, as long as that is kept.
"""

from dataclasses import dataclass, replace
from datetime import datetime

from namespaces import clock, history, moderation
from namespaces.browsing import entry_of
from namespaces.callers import AN_OPERATOR, Caller
from namespaces.conditions import ABSENT, Condition, at_version
from namespaces.jsontext import JSONText
from namespaces.models import ModerationAction
from namespaces.writing import Deleted, Written, delete_entry, set_entry

Action = ModerationAction.Action


@dataclass(frozen=True, slots=True)
class Act:
    """Who acts on which key, why, and at which version they saw it; `seen` is None where they saw no entry.

    Raises ActRefused.
    """

    namespace: str
    key: str
    seen: int | None
    operator: str
    reason: str

    def __post_init__(self) -> None:
        moderation.check_reason(self.reason)

    @property
    def condition(self) -> Condition:
        return ABSENT if self.seen is None else at_version(self.seen)

    def caller(self, action: Action, now: datetime, **after: int) -> Caller:
        """The operator as a writer, who records `action` with the write; `after` is told beside the new version."""

        def record(revision: int) -> None:
            version = None if action is Action.DELETE else revision
            moderation.record(
                action,
                operator=self.operator,
                reason=moderation.check_reason(self.reason),
                namespace=self.namespace,
                before={"key": self.key, "version": self.seen},
                after={"key": self.key, "version": version, **after},
                now=now,
            )

        return replace(AN_OPERATOR, witness=record)


def edit(act: Act, value: JSONText, *, keeps_expiry: bool = True, now: datetime | None = None) -> Written:
    """Set the key to `value`; it expires when it did, or never.

    Raises PreconditionFailed if the entry is not as it was seen, InvalidNamespace, InvalidKey, ValueTooLarge,
    StorageLimit, KeyNotFound for a namespace that does not exist, DatabaseUnavailable, DiskFull.
    """
    now = now or clock.now()
    ttl = _rest_of_ttl(act, now) if keeps_expiry else None
    caller = act.caller(Action.EDIT, now)
    return set_entry(act.namespace, act.key, value, ttl=ttl, condition=act.condition, caller=caller, now=now)


def delete(act: Act, *, now: datetime | None = None) -> Deleted:
    """Delete the key; raises what `edit` does."""
    now = now or clock.now()
    caller = act.caller(Action.DELETE, now)
    return delete_entry(act.namespace, act.key, condition=act.condition, caller=caller, now=now)


def restore(act: Act, version: int, *, now: datetime | None = None) -> Written:
    """Set the key, for good, to what `version` set it to; VersionNotFound if that is not known, else as `edit`."""
    now = now or clock.now()
    value = JSONText.parse(history.value_at(act.namespace, act.key, version))
    caller = act.caller(Action.RESTORE, now, restored=version)
    return set_entry(act.namespace, act.key, value, condition=act.condition, caller=caller, now=now)


def _rest_of_ttl(act: Act, now: datetime) -> float | None:
    """For how long the entry would still be there; None where it has no end, or is not what was seen."""
    entry = entry_of(act.namespace, act.key)
    if entry is None or entry.version != act.seen or entry.expires_at is None or entry.expires_at <= now:
        return None
    return (entry.expires_at - now).total_seconds()
