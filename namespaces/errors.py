"""Everything the domain refuses, as exceptions that carry facts. How they look over HTTP is decided in `api.problems`.

Refusal
├── InvalidInput
│   ├── InvalidNamespace, InvalidKey, InvalidPrefix, InvalidWriter   (limit)
│   ├── InvalidCursor
│   ├── InvalidRevision                                              (revision)
│   ├── InvalidTTL                                                   (limit)
│   ├── InvalidJSON
│   └── JSONTooDeep                                                  (limit)
├── ValueTooLarge                                                    (limit, used)
├── Restricted                                                       (reason, until)
│   ├── NamespaceReadOnly
│   └── NamespaceSuspended
├── Missing
│   ├── NamespaceNotFound
│   └── KeyNotFound
├── PreconditionFailed                                               (current_version)
├── RevisionTrimmed                                                  (oldest_revision)
├── TooManyWaiters                                                   (limit, retry_after)
├── LimitReached
│   ├── DailyWriteLimit                                              (limit, used, resets_at)
│   ├── StorageLimit                                                 (limit, used, needed)
│   └── NamespaceCreationLimit                                       (limit, retry_after)
└── DatabaseTrouble
    ├── DatabaseUnavailable                                          (retry_after)
    ├── OutcomeUnknown                                               (retry_after)
    └── DiskFull

A refusal has changed nothing: no entry, no counter, no revision, no namespace. OutcomeUnknown is the exception, and no
refusal by a rule: the connection to the database broke before it told whether it had committed.
"""

from datetime import datetime
from typing import Any, ClassVar


class Refusal(Exception):
    """A request that a rule forbids. `code` is stable; `facts` are what a program may act on; `str()` is for people."""

    code: ClassVar[str]

    def __init__(self, message: str, **facts: Any) -> None:
        super().__init__(message)
        self.facts: dict[str, Any] = facts


class InvalidInput(Refusal): ...


class InvalidNamespace(InvalidInput):
    code = "invalid_namespace"


class InvalidKey(InvalidInput):
    code = "invalid_key"


class InvalidPrefix(InvalidInput):
    code = "invalid_prefix"


class InvalidWriter(InvalidInput):
    code = "invalid_agent"


class InvalidCursor(InvalidInput):
    code = "invalid_cursor"


class InvalidRevision(InvalidInput):
    """A revision that the namespace has not reached; `revision` is its last one."""

    code = "invalid_revision"

    def __init__(self, namespace: str, *, since: int, revision: int) -> None:
        super().__init__(
            f"The namespace {namespace} is at revision {revision:,} and has not reached {since:,}.", revision=revision
        )


class InvalidTTL(InvalidInput):
    code = "invalid_ttl"


class InvalidJSON(InvalidInput):
    code = "invalid_json"


class JSONTooDeep(InvalidInput):
    code = "json_too_deep"


class ValueTooLarge(Refusal):
    code = "value_too_large"

    def __init__(self, *, limit: int, used: int) -> None:
        super().__init__(
            f"This value is {used:,} bytes of JSON; a value may have {limit:,}.",
            limit=limit,
            used=used,
        )


class Restricted(Refusal):
    """An operator limits this namespace; `reason` is the operator's, `until` may be None (no end is set)."""

    allowed: ClassVar[str]

    def __init__(self, namespace: str, *, reason: str, until: datetime | None) -> None:
        end = f" until {until:%Y-%m-%d %H:%M} UTC" if until else ""
        super().__init__(
            f"An operator has set the namespace {namespace} to {self.allowed}{end}: {reason or 'no reason given'}",
            reason=reason,
            until=until,
        )


class NamespaceReadOnly(Restricted):
    code = "namespace_read_only"
    allowed = "read-only"


class NamespaceSuspended(Restricted):
    code = "namespace_suspended"
    allowed = "suspended"


class Missing(Refusal): ...


class NamespaceNotFound(Missing):
    code = "namespace_not_found"

    def __init__(self, namespace: str) -> None:
        super().__init__(f"Nothing was ever written to the namespace {namespace}.")


class KeyNotFound(Missing):
    code = "key_not_found"

    def __init__(self, namespace: str, key: str) -> None:
        super().__init__(f"The namespace {namespace} has no entry under the key {key!r}.")


class PreconditionFailed(Refusal):
    """The entry is not what the caller asked for; `current_version` is None where there is none."""

    code = "precondition_failed"

    def __init__(self, *, current_version: int | None) -> None:
        now = "the key does not exist" if current_version is None else f"the entry is at version {current_version}"
        super().__init__(f"The condition of this request does not hold: {now}.", current_version=current_version)


class RevisionTrimmed(Refusal):
    """The change log no longer reaches back so far; it begins with the change of `oldest_revision`."""

    code = "revision_trimmed"

    def __init__(self, namespace: str, *, since: int, oldest_revision: int) -> None:
        super().__init__(
            f"The change log of {namespace} begins with revision {oldest_revision:,}: what came after {since:,} is"
            " no longer in it.",
            oldest_revision=oldest_revision,
        )


class TooManyWaiters(Refusal):
    """As many requests wait as may; `whose` says on which count."""

    code = "too_many_waiters"

    def __init__(self, *, whose: str, limit: int, retry_after: int) -> None:
        super().__init__(f"{limit:,} requests wait {whose}, which is the limit.", limit=limit, retry_after=retry_after)


class LimitReached(Refusal): ...


class DailyWriteLimit(LimitReached):
    code = "daily_write_limit"

    def __init__(self, namespace: str, *, limit: int, used: int, resets_at: datetime) -> None:
        super().__init__(
            f"The namespace {namespace} has used {used:,} of its {limit:,} writes of this UTC day.",
            limit=limit,
            used=used,
            resets_at=resets_at,
        )


class StorageLimit(LimitReached):
    code = "storage_limit"

    def __init__(self, namespace: str, *, limit: int, used: int, needed: int) -> None:
        super().__init__(
            f"The namespace {namespace} stores {used:,} of its {limit:,} bytes; this write needs {needed:,} more.",
            limit=limit,
            used=used,
            needed=needed,
        )


class NamespaceCreationLimit(LimitReached):
    code = "namespace_creation_limit"

    def __init__(self, *, limit: int, retry_after: int) -> None:
        super().__init__(
            f"Your address has made {limit:,} new namespaces within an hour, which is the limit.",
            limit=limit,
            retry_after=retry_after,
        )


class DatabaseTrouble(Refusal): ...


class DatabaseUnavailable(DatabaseTrouble):
    """The database did not answer in time. Nothing was written."""

    code = "database_unavailable"

    def __init__(self) -> None:
        super().__init__("The database cannot answer at the moment.", retry_after=1)


class OutcomeUnknown(DatabaseTrouble):
    """The connection to the database was lost during a write, which has happened whole or not at all."""

    code = "outcome_unknown"

    def __init__(self) -> None:
        super().__init__(
            "The connection to the database was lost during this write: it may have happened.", retry_after=1
        )


class DiskFull(DatabaseTrouble):
    code = "disk_full"

    def __init__(self) -> None:
        super().__init__("The disk of this server is full; nothing was written. Reads go on.")
