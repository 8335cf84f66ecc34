"""What the server's answers become: immutable values, with times that know their zone. Parsing them is in `_wire`."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class Writer:
    """Who wrote. `verified` is True where the server knows it, by a token; else the name is the writer's own word."""

    name: str
    verified: bool


@dataclass(frozen=True, slots=True)
class Entry:
    """A key with its value. `version` is the namespace's revision of the last write; `expires_at` None means never."""

    namespace: str
    key: str
    value: Any
    version: int
    writer: Writer | None
    created_at: datetime
    updated_at: datetime
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class SetResult:
    """What a set did. `created` is True where the key was new; `bytes` is what the entry counts for in storage."""

    namespace: str
    key: str
    version: int
    created: bool
    bytes: int
    created_at: datetime
    updated_at: datetime
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class Change:
    """One write as the namespace's log has it. `kind` is "set", "delete" or "expire"; only the first has a `value`."""

    revision: int
    kind: str
    key: str
    value: Any
    writer: Writer | None
    at: datetime


@dataclass(frozen=True, slots=True)
class ChangePage:
    """A part of the log, in order. `next` is what to give as `since` to go on; `revision` is the namespace's now."""

    changes: list[Change]
    next: int
    revision: int


@dataclass(frozen=True, slots=True)
class Version:
    """What one revision did to a key. `value` is there where one was set, was asked for, and can still be read."""

    version: int
    kind: str
    bytes: int
    writer: Writer | None
    at: datetime
    value: Any


@dataclass(frozen=True, slots=True)
class Move:
    """A key that a rollback takes from one version to another; `to_version` None: it is deleted."""

    key: str
    from_version: int | None
    to_version: int | None


@dataclass(frozen=True, slots=True)
class Left:
    """A key that a rollback leaves as it is.

    `why` is "kept" (somebody else wrote later), "unreachable" (the log does not tell what was before) or "refused" (it
    does not fit).
    """

    key: str
    why: str


@dataclass(frozen=True, slots=True)
class Rollback:
    """What a rollback has done, or as a dry run would do. The counts are of keys; the first 100 of them are named.

    It concerns what `writer` did after the revision `since`, up to `until`; the log begins with `oldest_revision`.
    `state` is "done", "running" or "cancelled": of a `job`, which has looked at the log up to `reached`. A dry run that
    did not look at every key is not `is_complete`.
    """

    writer: Writer | None
    since: int
    until: int
    oldest_revision: int
    is_dry_run: bool
    job: str | None
    state: str
    reached: int
    is_complete: bool
    keys: int
    restored: int
    deleted: int
    unchanged: int
    kept: int
    unreachable: int
    refused: int
    changes: list[Move]
    left: list[Left]


@dataclass(frozen=True, slots=True)
class Quarantined:
    """A writer whose values nobody reads: since when, why, and by whose hand (None where they gave no name)."""

    writer: Writer | None
    reason: str
    at: datetime
    by: Writer | None


@dataclass(frozen=True, slots=True)
class Limits:
    """What a namespace may use: the names say the unit."""

    writes_per_day: int
    bytes: int
    value_bytes: int
    key_bytes: int
    json_depth: int
    keys_per_page: int
    ttl_seconds: int


@dataclass(frozen=True, slots=True)
class Usage:
    """What a namespace uses, against `limits`.

    `status` is "active", "read_only" or "suspended", for `reason`, `until` (None: no end is set). `writes` and `reads`
    are those of the UTC `day`, which ends at `resets_at`; `reads` is approximate and never limited. `bytes` and
    `entries` are what is stored.
    """

    namespace: str
    access: str
    status: str
    reason: str | None
    until: datetime | None
    revision: int
    created_at: datetime
    last_write_at: datetime | None
    limits: Limits
    day: date
    writes: int
    bytes: int
    entries: int
    reads: int
    resets_at: datetime


@dataclass(frozen=True, slots=True)
class ExportResult:
    """What an export holds, as of `revision`: so many live entries and changes, in so many bytes with that SHA-256.

    The digest is of all lines but the last, which has it.
    """

    revision: int
    entries: int
    changes: int
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class ImportResult:
    """What an import did or, with `dry_run`, would do.

    Of the entries, `new` had no entry under their keys, `same` were there already, `different` met something else under
    their keys, `expired` have expired since the export, and `too_large` are over the limit. `exact` is True where new
    entries have the version, times and writer that they had. What is left is what was left before the import.
    """

    namespace: str
    revision: int
    dry_run: bool
    exact: bool
    new: int
    same: int
    different: int
    expired: int
    too_large: int
    changes: int
    writes_needed: int
    writes_left: int
    bytes_needed: int
    bytes_left: int

    @property
    def fits(self) -> bool:
        """Whether the limits let all of it in."""
        has_room = self.writes_needed <= self.writes_left and self.bytes_needed <= self.bytes_left
        return has_room and not self.too_large


@dataclass(frozen=True, slots=True)
class Token:
    """What may be told of a token, which is all but the token. `role` is "admin", "write" or "read".

    It stands for the writer `name`, writes keys that begin with one of `write`, and reads these and what begins with
    one of `read`. `shared_by` is the `id` of the token that it was shared with; `last_used_at` is approximate.
    """

    id: str
    role: str
    name: str | None
    read: tuple[str, ...]
    write: tuple[str, ...]
    shared_by: str | None
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None


@dataclass(frozen=True, slots=True)
class SharedToken(Token):
    """A new token. `token` is the secret itself, which nobody can tell a second time; no repr shows it."""

    token: str = field(repr=False)
