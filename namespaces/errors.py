"""Everything the domain refuses, as exceptions that carry facts. How they look over HTTP is decided in `api.problems`.

Refusal
├── InvalidInput
│   ├── InvalidNamespace, InvalidKey, InvalidPrefix, InvalidWriter   (limit)
│   ├── InvalidCursor
│   ├── InvalidRevision                                              (revision)
│   ├── InvalidTTL                                                   (limit)
│   ├── InvalidJSON
│   ├── JSONTooDeep                                                  (limit)
│   ├── InvalidPatch
│   ├── InvalidIdempotencyKey                                        (limit)
│   └── InvalidExport                                                (line)
├── ValueTooLarge                                                    (limit, used)
├── BatchTooLarge                                                    (limit)
├── Restricted                                                       (reason, until)
│   ├── NamespaceReadOnly
│   └── NamespaceSuspended
├── InvalidToken
├── TokenNotAllowed                                                  (role, read, write)
├── ClaimCodeRequired
├── AlreadyClaimed
├── NamespaceOpen
├── LastAdminToken
├── Missing
│   ├── NamespaceNotFound
│   ├── TokenNotFound
│   ├── KeyNotFound
│   ├── VersionNotFound                                              (versions)
│   ├── LeaseNotFound
│   ├── NothingToClaim
│   ├── NotQuarantined
│   └── RollbackNotFound
├── PreconditionFailed                                               (current_version)
├── RevisionTrimmed                                                  (oldest_revision)
├── TooManyWaiters                                                   (limit, retry_after)
├── TooManyExports                                                   (limit, retry_after)
├── ImportConflict                                                   (key, current_version, line)
├── Unfitting
│   ├── TargetMissing
│   ├── WrongType                                                    (current_type, current_version)
│   ├── PatchFailed                                                  (current_version)
│   ├── NumberOutOfRange                                             (current_version)
│   └── EntryQuarantined                                             (current_version)
├── IdempotencyKeyReused
├── RollbackRunning                                                  (job)
├── LeaseHeld                                                        (holder, expires_at, retry_after)
├── LeaseLost
├── LimitReached
│   ├── LeaseLimit                                                   (limit)
│   ├── QuarantineLimit                                              (limit)
│   ├── TokenLimit                                                   (limit)
│   ├── GuessLimit                                                   (limit, retry_after)
│   ├── DailyWriteLimit                                              (limit, used, resets_at)
│   ├── StorageLimit                                                 (limit, used, needed)
│   └── NamespaceCreationLimit                                       (limit, retry_after)
└── DatabaseTrouble
    ├── DatabaseUnavailable                                          (retry_after)
    ├── OutcomeUnknown                                               (retry_after)
    └── DiskFull

ActRefused, no refusal of an agent's request but of an operator's act   (field)

A refusal has changed nothing: no entry, no counter, no revision, no namespace. OutcomeUnknown is the exception, and no
refusal by a rule: the connection to the database broke before it told whether it had committed.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, ClassVar


class Refusal(Exception):
    """A request that a rule forbids. `code` is stable; `facts` are what a program may act on; `str()` is for people."""

    code: ClassVar[str]
    position: int = 0  # of the one refused, where several things were asked for at once

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


class InvalidPatch(InvalidInput):
    code = "invalid_patch"


class InvalidIdempotencyKey(InvalidInput):
    code = "invalid_idempotency_key"


class InvalidExport(InvalidInput):
    """Not what an export has; `line` is the one that is wrong, None where it is the whole."""

    code = "invalid_export"

    def __init__(self, message: str, *, line: int | None = None) -> None:
        super().__init__(message, line=line)


class BatchTooLarge(Refusal):
    """`limit` is of operations, or of bytes, as the message says."""

    code = "batch_too_large"


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
    forbids_reading: ClassVar[bool] = False

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
    forbids_reading = True


class InvalidToken(Refusal):
    """No token that this server has ever given, or none for this namespace, which is open."""

    code = "invalid_token"


class TokenNotAllowed(Refusal):
    """A good token that may not do what is asked; `read` and `write` are beginnings of the keys that it may."""

    code = "token_not_allowed"

    def __init__(self, what: str, *, role: str, read: Sequence[str], write: Sequence[str]) -> None:
        under = f"; it reads under {_listed([*read, *write])}, and writes under {_listed(write)}"
        super().__init__(f"This {role} token may not {what}{under}.", role=role, read=list(read), write=list(write))


def _listed(prefixes: Sequence[str]) -> str:
    return ", ".join(repr(prefix) if prefix else "any key" for prefix in dict.fromkeys(prefixes)) or "none"


class ClaimCodeRequired(Refusal):
    """Somebody has written to the namespace; only who made it may claim it."""

    code = "claim_code_required"

    def __init__(self, namespace: str) -> None:
        super().__init__(
            f"The namespace {namespace} is in use. Only the claim code of the answer that made it proves whose it is."
        )


class AlreadyClaimed(Refusal):
    code = "already_claimed"

    def __init__(self, namespace: str) -> None:
        super().__init__(f"The namespace {namespace} is private already.")


class NamespaceOpen(Refusal):
    """Tokens are for private namespaces."""

    code = "namespace_open"

    def __init__(self, namespace: str) -> None:
        super().__init__(f"The namespace {namespace} is open to whoever knows its name, and has no tokens.")


class LastAdminToken(Refusal):
    code = "last_admin_token"

    def __init__(self, namespace: str) -> None:
        super().__init__(f"Without this token, the namespace {namespace} would have no admin token that stays good.")


class Missing(Refusal): ...


class NamespaceNotFound(Missing):
    code = "namespace_not_found"

    def __init__(self, namespace: str) -> None:
        super().__init__(f"There is no namespace {namespace}, or it is private and this request has no token for it.")


class TokenNotFound(Missing):
    code = "token_not_found"

    def __init__(self, namespace: str, token_id: str) -> None:
        super().__init__(f"The namespace {namespace} has no token {token_id!r} that this one may manage.")


class KeyNotFound(Missing):
    code = "key_not_found"

    def __init__(self, namespace: str, key: str) -> None:
        super().__init__(f"The namespace {namespace} has no entry under the key {key!r}.")


class VersionNotFound(Missing):
    """There is no value of this version to be read, or not any more; `versions` are the newest that there are."""

    code = "version_not_found"

    def __init__(self, key: str, version: int, *, versions: Sequence[int] = ()) -> None:
        super().__init__(
            f"There is no value that version {version} gave to the key {key!r}, or not any more.",
            versions=list(versions),
        )


class LeaseNotFound(Missing):
    code = "lease_not_found"

    def __init__(self, namespace: str, name: str) -> None:
        super().__init__(f"In the namespace {namespace} nobody holds a lease of the name {name!r}.")


class NothingToClaim(Missing):
    code = "nothing_to_claim"

    def __init__(self, namespace: str, prefix: str) -> None:
        super().__init__(f"The namespace {namespace} has no entry under {prefix!r} that nobody has claimed.")


class NotQuarantined(Missing):
    code = "not_quarantined"

    def __init__(self, namespace: str, writer: str) -> None:
        super().__init__(f"In the namespace {namespace} the writer {writer!r} is not in quarantine.")


class RollbackNotFound(Missing):
    code = "rollback_not_found"

    def __init__(self, namespace: str, job: str) -> None:
        super().__init__(f"In the namespace {namespace} no rollback {job} was begun.")


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


class TooManyExports(Refusal):
    """As many exports are being sent as may."""

    code = "too_many_exports"

    def __init__(self, *, limit: int, retry_after: int) -> None:
        super().__init__(
            f"{limit:,} exports are being sent by this server process, which is the limit.",
            limit=limit,
            retry_after=retry_after,
        )


class ImportConflict(Refusal):
    """The key of an entry to be imported has another value, or another writer, already."""

    code = "import_conflict"

    def __init__(self, key: str, *, current_version: int) -> None:
        super().__init__(
            f"The key {key!r} is there already, at version {current_version}, and differs from what is imported.",
            key=key,
            current_version=current_version,
        )


class Unfitting(Refusal):
    """The entry is not of a kind that the change asked for can be made to."""


class TargetMissing(Unfitting):
    code = "target_missing"

    def __init__(self) -> None:
        super().__init__("There is no entry under this key that could be changed.")


class WrongType(Unfitting):
    """`current_type` is one of object, array, string, number, boolean, null."""

    code = "wrong_type"

    def __init__(self, *, needed: str, current_type: str, current_version: int | None) -> None:
        super().__init__(
            f"This change is for {needed}, and the entry's value is of the type {current_type}.",
            current_type=current_type,
            current_version=current_version,
        )


class PatchFailed(Unfitting):
    code = "patch_failed"

    def __init__(self, why: str, *, current_version: int | None) -> None:
        super().__init__(f"The patch does not fit the entry: {why}.", current_version=current_version)


class NumberOutOfRange(Unfitting):
    """The result would be a number that cannot be stored."""

    code = "number_out_of_range"

    def __init__(self, *, digits: int, current_version: int | None) -> None:
        super().__init__(
            f"The result would be an integer of more than {digits:,} digits, or beyond what binary64 holds.",
            current_version=current_version,
        )


class EntryQuarantined(Unfitting):
    """What stands there is hidden, so that nothing may be made of it; a set takes its place."""

    code = "entry_quarantined"

    def __init__(self, *, current_version: int) -> None:
        super().__init__(
            "The entry's writer is in quarantine: nothing can be made of its value.", current_version=current_version
        )


class RollbackRunning(Refusal):
    """Another rollback of this namespace is not done yet; `job` is when it began, by which it is asked for."""

    code = "rollback_running"

    def __init__(self, namespace: str, *, job: datetime) -> None:
        super().__init__(f"A rollback of the namespace {namespace} is running.", job=job)


class IdempotencyKeyReused(Refusal):
    code = "idempotency_key_reused"

    def __init__(self, key: str) -> None:
        super().__init__(f"The idempotency key {key!r} has been used for another request.")


class LeaseHeld(Refusal):
    """Somebody else has the lease, until `expires_at` unless it is renewed or given back."""

    code = "lease_held"

    def __init__(self, name: str, *, holder: str, expires_at: datetime, retry_after: int) -> None:
        super().__init__(
            f"The lease {name!r} is held by {holder or 'somebody who gave no name'} until {expires_at:%H:%M:%S} UTC.",
            holder=holder,
            expires_at=expires_at,
            retry_after=retry_after,
        )


class LeaseLost(Refusal):
    """The lease is not held by that fencing number any more."""

    code = "lease_lost"

    def __init__(self, name: str, fencing: int) -> None:
        super().__init__(f"The lease {name!r} is not, or no longer, held with the fencing number {fencing}.")


class LimitReached(Refusal): ...


class LeaseLimit(LimitReached):
    code = "lease_limit"

    def __init__(self, namespace: str, *, limit: int) -> None:
        super().__init__(
            f"In the namespace {namespace} {limit:,} leases are held, which is the limit.", limit=limit, retry_after=1
        )


class QuarantineLimit(LimitReached):
    code = "quarantine_limit"

    def __init__(self, namespace: str, *, limit: int) -> None:
        super().__init__(
            f"In the namespace {namespace} {limit:,} writers are in quarantine, which is the limit.",
            limit=limit,
            retry_after=1,
        )


class TokenLimit(LimitReached):
    code = "token_limit"

    def __init__(self, namespace: str, *, limit: int) -> None:
        super().__init__(f"The namespace {namespace} has {limit:,} tokens, which is the limit.", limit=limit)


class GuessLimit(LimitReached):
    """Too many tokens and claim codes that are none came from one address. Good ones are still taken."""

    code = "guess_limit"

    def __init__(self, *, limit: int, retry_after: int) -> None:
        super().__init__(
            f"Your address has shown {limit:,} wrong tokens or claim codes within an hour, which is the limit.",
            limit=limit,
            retry_after=retry_after,
        )


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


class ActRefused(Exception):
    """An operator's act that a rule forbids: nothing was done. `field` names what of it is at fault, or is empty."""

    def __init__(self, message: str, *, field: str = "") -> None:
        super().__init__(message)
        self.field = field
