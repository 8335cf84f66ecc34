"""The tables. Every primary key and foreign key begins with the namespace's name, so that one namespace's rows can live
together on one node of a distributed PostgreSQL; there are no serial ids, triggers or sequences.

Rows are written by `namespaces.memory` and its neighbours only; the models carry no behaviour of their own.
"""

from datetime import datetime
from typing import Any

from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Exists, F, OuterRef, Q

from namespaces.names import after_prefix

# How much of a token's digest tells it from the others of its namespace.
ID_LENGTH = 16


class ByteOrderedField(models.CharField):  # type: ignore[type-arg]  # not generic when it runs
    """Text that the database compares byte by byte: `C` on PostgreSQL; SQLite does so by itself."""

    def db_parameters(self, connection: BaseDatabaseWrapper) -> Any:
        return {**super().db_parameters(connection), "collation": "C" if connection.vendor == "postgresql" else None}


def begins_with(prefix: str) -> Q:
    """Rows whose `key` begins with `prefix`, as a range that an index on it serves."""
    end = after_prefix(prefix)
    chosen = Q(key__gte=prefix) if prefix else Q()
    return chosen if end is None else chosen & Q(key__lt=end)


def is_hidden() -> Exists:
    """Whether the writer of an entry, or of a change, is in quarantine, as an expression of a query for either."""
    names = ("namespace_id", "writer", "is_verified")
    return Exists(Quarantine.objects.filter(**{name: OuterRef(name) for name in names}))


class NamespaceQuerySet(models.QuerySet["Namespace"]):
    def seen_by(self, digest: str, now: datetime) -> "NamespaceQuerySet":
        """Namespaces that are open, or that the token of this digest is for; to others a private one is not there."""
        token = Token.objects.filter(namespace_id=models.OuterRef("name"), digest=digest).live(now)
        return self.filter(Q(access_version=0) | models.Exists(token))


class Namespace(models.Model):
    """One memory. It exists from its first write; its counters are kept in the transaction of each write."""

    class Status(models.TextChoices):
        ACTIVE = "active"
        READ_ONLY = "read_only"
        SUSPENDED = "suspended"

    name = ByteOrderedField(max_length=64, primary_key=True)
    status = models.CharField(max_length=9, choices=Status, default=Status.ACTIVE)
    status_reason = models.TextField(blank=True, default="")
    status_until = models.DateTimeField(null=True, blank=True)
    limit_writes_per_day = models.PositiveIntegerField(null=True, blank=True)
    limit_bytes = models.PositiveBigIntegerField(null=True, blank=True)
    limit_value_bytes = models.PositiveIntegerField(null=True, blank=True)
    revision = models.BigIntegerField(default=0)
    trimmed_revision = models.BigIntegerField(default=0)
    bytes = models.BigIntegerField(default=0)
    entries = models.BigIntegerField(default=0)
    log_bytes = models.BigIntegerField(default=0)
    # Grows whenever a lease of the namespace is taken or given back, and is the number of the lease that was taken.
    fencing = models.BigIntegerField(default=0, db_default=0)
    # 0: open to whoever knows the name. Else only tokens see it; and it grows whenever a token is taken back, so that
    # who was let in before can tell that it is time to ask again.
    access_version = models.BigIntegerField(default=0, db_default=0)
    created_at = models.DateTimeField()
    created_from = models.CharField(max_length=45, blank=True, default="")
    last_write_at = models.DateTimeField(null=True)

    objects = NamespaceQuerySet.as_manager()

    class Meta:
        constraints = (
            models.CheckConstraint(condition=Q(status__in=("active", "read_only", "suspended")), name="status_known"),
            models.CheckConstraint(
                condition=Q(bytes__gte=0, entries__gte=0, log_bytes__gte=0), name="counters_not_negative"
            ),
            models.CheckConstraint(
                condition=Q(trimmed_revision__gte=0, trimmed_revision__lte=F("revision")), name="revisions_in_order"
            ),
        )
        # Of columns that writes leave alone: an index on one that they change would cost every write. Lists by use
        # read `Standing`.
        indexes = (
            models.Index(fields=["-created_at"], name="namespace_newest"),
            models.Index(fields=["created_from", "-created_at"], name="namespace_siblings"),
            models.Index(fields=["status", "name"], condition=~Q(status="active"), name="namespace_restricted"),
        )
        permissions = (
            ("moderate_namespace", "Can limit a namespace and edit what is in it"),
            ("purge_namespace", "Can purge a namespace"),
        )

    def __str__(self) -> str:
        return str(self.name)

    @property
    def is_private(self) -> bool:
        """Whether only tokens see it."""
        return self.access_version > 0


class EntryQuerySet(models.QuerySet["Entry"]):
    def live(self, now: datetime) -> "EntryQuerySet":
        """Entries that can be read at `now`."""
        return self.filter(Q(expires_at__isnull=True) | Q(expires_at__gt=now))

    def expired(self, now: datetime) -> "EntryQuerySet":
        """Entries that nobody can read any more, and that still take room."""
        return self.filter(expires_at__lte=now)

    def unhidden(self) -> "EntryQuerySet":
        """Entries whose writer is not in quarantine."""
        return self.filter(~is_hidden())

    def under(self, prefix: str) -> "EntryQuerySet":
        """Entries whose key begins with `prefix`, as a range that the primary key's index serves."""
        return self.filter(begins_with(prefix))


class Entry(models.Model):
    """A key with its value. `version` is the namespace's revision that last wrote it.

    `writer` is who did: a name that this server vouches for if `is_verified`, else what the caller called itself.
    """

    pk = models.CompositePrimaryKey("namespace_id", "key")
    namespace = models.ForeignKey(Namespace, models.CASCADE, related_name="entry_set", db_index=False)
    key = ByteOrderedField(max_length=512)
    bytes = models.PositiveIntegerField()
    version = models.BigIntegerField()
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()
    expires_at = models.DateTimeField(null=True)
    writer = models.CharField(max_length=128, blank=True, default="")
    is_verified = models.BooleanField(default=False, db_default=False)
    value = models.TextField()  # last, so that SQLite reads the small columns without walking its overflow pages

    objects = EntryQuerySet.as_manager()

    class Meta:
        indexes = (models.Index(fields=["expires_at"], condition=Q(expires_at__isnull=False), name="entry_expires_at"),)
        constraints = (
            models.CheckConstraint(condition=Q(version__gte=1), name="entry_version_positive"),
            models.CheckConstraint(condition=~Q(key=""), name="entry_key_not_empty"),
        )

    def __str__(self) -> str:
        return f"{self.namespace_id}/{self.key}"


class Change(models.Model):
    """One row of the change log: what one revision did to one key.

    `value` is null where nothing was set, and where a purge has erased what was set; `expires_at` was set with it.
    `writer` and `is_verified` are as in `Entry`.
    """

    class Kind(models.TextChoices):
        SET = "set"
        DELETE = "delete"
        EXPIRE = "expire"

    pk = models.CompositePrimaryKey("namespace_id", "revision")
    namespace = models.ForeignKey(Namespace, models.CASCADE, related_name="change_set", db_index=False)
    revision = models.BigIntegerField()
    kind = models.CharField(max_length=8, choices=Kind)
    key = ByteOrderedField(max_length=512)
    bytes = models.PositiveIntegerField()
    at = models.DateTimeField()
    writer = models.CharField(max_length=128, blank=True, default="")
    is_verified = models.BooleanField(default=False, db_default=False)
    expires_at = models.DateTimeField(null=True)
    value = models.TextField(null=True)  # noqa: DJ001 - null: nothing was set; the text null: JSON's null was

    class Meta:
        # The versions of one key, newest first, also of a key that is deleted.
        indexes = (models.Index(fields=["namespace", "key", "-revision"], name="change_by_key"),)

    def __str__(self) -> str:
        return f"{self.namespace_id}@{self.revision} {self.kind} {self.key}"


class DailyUsage(models.Model):
    """What one namespace used on one UTC day. `reads` and `refusals` are counted in memory and flushed: approximate."""

    pk = models.CompositePrimaryKey("namespace_id", "day")
    namespace = models.ForeignKey(Namespace, models.CASCADE, related_name="daily_usage_set", db_index=False)
    day = models.DateField()
    writes = models.PositiveIntegerField(default=0, db_default=0)
    bytes_written = models.PositiveBigIntegerField(default=0, db_default=0)
    reads = models.PositiveBigIntegerField(default=0, db_default=0)
    refusals = models.JSONField(default=dict, db_default={})

    def __str__(self) -> str:
        return f"{self.namespace_id} on {self.day}"


class DailyTotal(models.Model):
    """What all namespaces used on one UTC day, counted in memory and flushed: a few seconds behind, and approximate."""

    day = models.DateField(primary_key=True)
    writes = models.PositiveBigIntegerField(default=0)
    refusals = models.JSONField(default=dict)

    def __str__(self) -> str:
        return str(self.day)


class Standing(models.Model):
    """Where a namespace stands among all, for operators' lists: a copy, a few seconds behind, with indexes.

    It is a table of its own so that no write pays for these indexes. `write_use` and `byte_use` are thousandths of the
    limit in force; `write_use`, `growth` (bytes written) and `refusals` are those of `day`. Pages show the exact
    numbers beside it. `biggest` are the keys that were the biggest at `biggest_at`, of a namespace with too many to
    sort when asked.
    """

    namespace = models.OneToOneField(Namespace, models.CASCADE, primary_key=True, related_name="standing")
    day = models.DateField()
    write_use = models.PositiveIntegerField(default=0)
    growth = models.PositiveBigIntegerField(default=0)
    refusals = models.PositiveBigIntegerField(default=0)
    byte_use = models.PositiveIntegerField(default=0)
    bytes = models.PositiveBigIntegerField(default=0)
    last_write_at = models.DateTimeField(null=True)
    biggest = models.JSONField(default=list, db_default=[])
    biggest_at = models.DateTimeField(null=True)

    class Meta:
        indexes = (
            models.Index(fields=["day", "-write_use", "namespace"], name="standing_writes"),
            models.Index(fields=["day", "-growth", "namespace"], name="standing_growth"),
            models.Index(fields=["day", "-refusals", "namespace"], name="standing_refusals"),
            models.Index(fields=["-byte_use", "namespace"], name="standing_byte_use"),
            models.Index(fields=["-bytes", "namespace"], name="standing_bytes"),
            models.Index(fields=["last_write_at", "namespace"], name="standing_last_write"),
        )

    def __str__(self) -> str:
        return f"standing of {self.namespace_id}"


class PurgeJob(models.Model):
    """The removal of a range of one namespace's memory, in batches: it may be killed, and goes on where it was.

    What was written after it began has a revision above `up_to_revision`, and survives it. First the entries go, in
    the order of their keys, up to `cursor`; then the values in the change log, up to `erased_revision`, which is null
    until the last entry has gone. `driver` tells who did the last batch.
    """

    class State(models.TextChoices):
        RUNNING = "running"
        CANCELLED = "cancelled"
        DONE = "done"

    class Driver(models.TextChoices):
        WORKER = "worker"
        PAGE = "page"

    pk = models.CompositePrimaryKey("namespace_id", "started_at")
    namespace = models.ForeignKey(Namespace, models.CASCADE, related_name="purge_job_set", db_index=False)
    started_at = models.DateTimeField()
    prefix = models.CharField(max_length=512, blank=True, default="")
    up_to_revision = models.BigIntegerField()
    operator = models.CharField(max_length=150)
    reason = models.TextField()
    state = models.CharField(max_length=9, choices=State, default=State.RUNNING)
    cursor = models.CharField(max_length=512, blank=True, default="")
    expected = models.PositiveBigIntegerField(default=0)
    removed = models.PositiveBigIntegerField(default=0)
    removed_bytes = models.PositiveBigIntegerField(default=0)
    erased_revision = models.BigIntegerField(null=True)
    driver = models.CharField(max_length=6, choices=Driver, blank=True, default="")
    updated_at = models.DateTimeField()

    class Meta:
        indexes = (models.Index(fields=["started_at"], condition=Q(state="running"), name="purge_running"),)

    def __str__(self) -> str:
        return f"purge of {self.namespace_id}/{self.prefix} since {self.started_at}"


class ModerationAction(models.Model):
    """What an operator did, and why: never changed or removed, which the database enforces.

    Operator and namespace are text, so that a row outlives the account and the namespace. `namespace` is empty where an
    action concerns none.
    """

    class Action(models.TextChoices):
        ACTIVATE = "activate"
        READ_ONLY = "read_only"
        SUSPEND = "suspend"
        LIMITS = "limits"
        EDIT = "edit"
        DELETE = "delete"
        RESTORE = "restore"
        EXPORT = "export"
        PURGE = "purge"
        PURGE_CANCELLED = "purge_cancelled"
        PURGE_DONE = "purge_done"
        QUARANTINE = "quarantine"
        RELEASE = "release"
        REVOKE = "revoke"
        ACCOUNT = "account"

    id = models.BigAutoField(primary_key=True)
    at = models.DateTimeField()
    operator = models.CharField(max_length=150)
    action = models.CharField(max_length=15, choices=Action)
    namespace = ByteOrderedField(max_length=64, blank=True, default="")
    reason = models.TextField()
    before = models.JSONField(default=dict)
    after = models.JSONField(default=dict)

    class Meta:
        indexes = (
            models.Index(fields=["namespace", "-id"], name="moderation_namespace"),
            models.Index(fields=["operator", "-id"], name="moderation_operator"),
            models.Index(fields=["action", "-id"], name="moderation_action"),
        )

    def __str__(self) -> str:
        return f"{self.operator}: {self.action} {self.namespace}"


class Lease(models.Model):
    """A name that one holder has until `expires_at`. `fencing` is its number, larger than that of any lease before.

    The row goes when the lease is given back, or is swept after it has expired; the numbers go on from the namespace's.
    """

    pk = models.CompositePrimaryKey("namespace_id", "name")
    namespace = models.ForeignKey(Namespace, models.CASCADE, related_name="lease_set", db_index=False)
    name = ByteOrderedField(max_length=512)
    holder = models.CharField(max_length=128, blank=True, default="")
    fencing = models.BigIntegerField()
    acquired_at = models.DateTimeField()
    expires_at = models.DateTimeField()

    class Meta:
        indexes = (models.Index(fields=["expires_at"], name="lease_expires_at"),)

    def __str__(self) -> str:
        return f"{self.namespace_id}: lease of {self.name} by {self.holder}"


class Receipt(models.Model):
    """What a write with an Idempotency-Key was answered, written in its transaction: a repeat gets the same again.

    `request` is a digest of what was asked; `answer` is the API's, and nothing that the domain reads. `fencing`, the
    namespace's counter after it, is there where it was about leases alone, and so counted as no write.
    """

    pk = models.CompositePrimaryKey("namespace_id", "key")
    namespace = models.ForeignKey(Namespace, models.CASCADE, related_name="receipt_set", db_index=False)
    key = ByteOrderedField(max_length=255)
    request = models.CharField(max_length=64)
    answer = models.TextField()
    at = models.DateTimeField()
    fencing = models.BigIntegerField(null=True)

    class Meta:
        indexes = (
            models.Index(fields=["at"], name="receipt_at"),
            models.Index(
                fields=["namespace", "fencing"], name="receipt_fencing", condition=models.Q(fencing__isnull=False)
            ),
        )

    def __str__(self) -> str:
        return f"{self.namespace_id}: receipt {self.key}"


class Restoration(models.Model):
    """Which export a namespace was begun with: its digest, and the revision at which it was made.

    Entries of that export come back as they were, as long as nothing else was written to their keys.
    """

    namespace = models.OneToOneField(Namespace, models.CASCADE, primary_key=True, related_name="restoration")
    origin = models.CharField(max_length=64)
    revision = models.BigIntegerField()
    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.namespace_id} begun with {self.origin[:12]}@{self.revision}"


class Quarantine(models.Model):
    """A writer of whom no value is read until the row goes, see `namespaces.quarantining`. It is one of few.

    `placed_by` is who did this, as far as that is known: `is_placer_verified` says whether the server vouches for it.
    """

    pk = models.CompositePrimaryKey("namespace_id", "writer", "is_verified")
    namespace = models.ForeignKey(Namespace, models.CASCADE, related_name="quarantine_set", db_index=False)
    writer = models.CharField(max_length=128, blank=True, default="")
    is_verified = models.BooleanField()
    reason = models.TextField(blank=True, default="")
    at = models.DateTimeField()
    placed_by = models.CharField(max_length=128, blank=True, default="")
    is_placer_verified = models.BooleanField(default=False)

    def __str__(self) -> str:
        return f"{self.namespace_id}: quarantine of {self.writer}"


class RollbackJob(models.Model):
    """The taking back of what one writer wrote, in batches: it may be killed, and goes on where it was.

    It goes through the log from `since_revision` up to `up_to_revision`, where that ended when it began, and has come
    to `cursor_revision`. The counts are of keys; the first of those that it `moved`, or `left` as they were, are named.
    """

    class State(models.TextChoices):
        RUNNING = "running"
        CANCELLED = "cancelled"
        DONE = "done"

    pk = models.CompositePrimaryKey("namespace_id", "started_at")
    namespace = models.ForeignKey(Namespace, models.CASCADE, related_name="rollback_job_set", db_index=False)
    started_at = models.DateTimeField()
    writer = models.CharField(max_length=128, blank=True, default="")
    is_verified = models.BooleanField()
    since_revision = models.BigIntegerField()
    up_to_revision = models.BigIntegerField()
    prefix = models.CharField(max_length=512, blank=True, default="")
    started_by = models.CharField(max_length=128, blank=True, default="")
    is_starter_verified = models.BooleanField(default=False)
    state = models.CharField(max_length=9, choices=State, default=State.RUNNING)
    cursor_revision = models.BigIntegerField()
    restored = models.PositiveBigIntegerField(default=0)
    deleted = models.PositiveBigIntegerField(default=0)
    unchanged = models.PositiveBigIntegerField(default=0)
    kept = models.PositiveBigIntegerField(default=0)
    unreachable = models.PositiveBigIntegerField(default=0)
    refused = models.PositiveBigIntegerField(default=0)
    moved = models.JSONField(default=list)
    left = models.JSONField(default=list)
    updated_at = models.DateTimeField()

    class Meta:
        indexes = (models.Index(fields=["started_at"], condition=Q(state="running"), name="rollback_running"),)

    def __str__(self) -> str:
        return f"rollback of {self.writer} in {self.namespace_id} since {self.started_at}"


class TokenQuerySet(models.QuerySet["Token"]):
    def live(self, now: datetime) -> "TokenQuerySet":
        """Tokens that are good at `now`."""
        return self.filter(Q(expires_at__isnull=True) | Q(expires_at__gt=now))


class Token(models.Model):
    """What lets its bearer into a private namespace. Of its text only the SHA-256 is kept; its rights never change.

    `name` is the writer it stands for; `read` and `write` are the beginnings of the keys that it may read, beside those
    that it may write, and write, as JSON. `parent` is the digest of the token that shared it, empty for the first one.
    """

    class Role(models.TextChoices):
        ADMIN = "admin"
        WRITE = "write"
        READ = "read"

    pk = models.CompositePrimaryKey("namespace_id", "digest")
    namespace = models.ForeignKey(Namespace, models.CASCADE, related_name="token_set", db_index=False)
    digest = ByteOrderedField(max_length=64)
    role = models.CharField(max_length=5, choices=Role)
    name = models.CharField(max_length=128, blank=True, default="")
    read = models.TextField(default="[]")
    write = models.TextField(default="[]")
    parent = ByteOrderedField(max_length=64, blank=True, default="")
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField(null=True)
    last_used_at = models.DateTimeField(null=True)

    objects = TokenQuerySet.as_manager()

    class Meta:
        constraints = (models.CheckConstraint(condition=Q(role__in=("admin", "write", "read")), name="role_known"),)
        indexes = (models.Index(fields=["expires_at"], condition=Q(expires_at__isnull=False), name="token_expires_at"),)

    def __str__(self) -> str:
        return f"{self.namespace_id}: {self.role} token {self.id} of {self.name}"

    @property
    def id(self) -> str:
        """By what the token is called where its text must not be told."""
        return str(self.digest)[:ID_LENGTH]
