"""The shapes of bodies and answers, as OpenAPI describes them. Nothing is checked here."""

from typing import Any

from drf_spectacular.utils import (
    extend_schema_field,
)
from rest_framework import serializers

from api.problems import PROBLEMS
from namespaces.limits import LIMITS
from namespaces.moderation import REASON_LENGTH
from namespaces.rollback import LEFT

DEFAULTS = {limit.name: limit.default for limit in LIMITS}
NAME_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9_\-.:@+]{0,63}$"


@extend_schema_field({})
class AnyJSON(serializers.JSONField):
    """Any JSON value, null included."""


class Writer(serializers.Serializer[Any]):
    name = serializers.CharField()
    verified = serializers.BooleanField(help_text="false: the name is what the writer called itself")


class SetBody(serializers.Serializer[Any]):
    value = AnyJSON(help_text="Any JSON value; it is kept as the text that is sent.")
    ttl = serializers.FloatField(
        required=False,
        allow_null=True,
        help_text="Seconds until the entry is gone.",
        max_value=DEFAULTS["ttl_seconds"],
    )


class _Times(serializers.Serializer[Any]):
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField(allow_null=True)


class Written(_Times):
    namespace = serializers.CharField()
    key = serializers.CharField()
    version = serializers.IntegerField()
    stored = serializers.BooleanField()
    bytes = serializers.IntegerField()


class ListedEntry(_Times):
    key = serializers.CharField()
    value = AnyJSON()
    version = serializers.IntegerField()
    writer = Writer(allow_null=True)


class Entry(ListedEntry):
    namespace = serializers.CharField()


class Deleted(serializers.Serializer[Any]):
    namespace = serializers.CharField()
    key = serializers.CharField()
    deleted = serializers.BooleanField()
    version = serializers.IntegerField()


class Changed(_Times):
    namespace = serializers.CharField()
    key = serializers.CharField()
    version = serializers.IntegerField()
    stored = serializers.BooleanField(help_text="false: there was nothing to pop, and nothing was written")
    bytes = serializers.IntegerField()
    value = AnyJSON(required=False, help_text="the new value; left out with Prefer: return=minimal")
    length = serializers.IntegerField(required=False, help_text="of a list")
    popped = serializers.ListField(child=AnyJSON(), required=False)


class ClaimNamespaceBody(serializers.Serializer[Any]):
    name = serializers.CharField(required=False, help_text="The writer that the admin token stands for.")
    claim_code = serializers.CharField(
        required=False, help_text="Of the answer that made the namespace; needed where there is one already."
    )


class TokenBody(serializers.Serializer[Any]):
    role = serializers.ChoiceField(choices=("admin", "write", "read"), required=False)
    name = serializers.CharField(required=False, help_text="The writer that it stands for.")
    read = serializers.ListField(child=serializers.CharField(allow_blank=True), required=False)
    write = serializers.ListField(child=serializers.CharField(allow_blank=True), required=False)
    ttl = serializers.FloatField(required=False, allow_null=True, max_value=DEFAULTS["ttl_seconds"])


class RotationBody(serializers.Serializer[Any]):
    overlap = serializers.FloatField(
        required=False, min_value=0, help_text="Seconds for which the old token stays good."
    )


class KnownToken(serializers.Serializer[Any]):
    id = serializers.CharField()
    role = serializers.ChoiceField(choices=("admin", "write", "read"))
    name = serializers.CharField(allow_null=True)
    read = serializers.ListField(child=serializers.CharField(allow_blank=True))
    write = serializers.ListField(child=serializers.CharField(allow_blank=True))
    shared_by = serializers.CharField(allow_null=True, help_text="The id of the token that shared it.")
    created_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField(allow_null=True)
    last_used_at = serializers.DateTimeField(allow_null=True, help_text="Up to a few seconds behind.")


class OneToken(KnownToken):
    namespace = serializers.CharField()


class SharedToken(OneToken):
    access = serializers.ChoiceField(choices=("private",))
    token = serializers.CharField(help_text="bw_ and 36 letters and digits; told this once.")


class TokenList(serializers.Serializer[Any]):
    namespace = serializers.CharField()
    count = serializers.IntegerField()
    tokens = KnownToken(many=True)


class RevokedToken(serializers.Serializer[Any]):
    namespace = serializers.CharField()
    id = serializers.CharField()
    revoked = serializers.BooleanField()
    count = serializers.IntegerField(help_text="The token and what was shared with it.")


class AcquireBody(serializers.Serializer[Any]):
    ttl = serializers.FloatField(min_value=1, max_value=DEFAULTS["lease_seconds"])
    holder = serializers.CharField(required=False, allow_null=True, help_text="left out: X-BotWire-Agent")


class ClaimBody(AcquireBody):
    prefix = serializers.CharField(allow_blank=True)


class RenewBody(serializers.Serializer[Any]):
    fencing = serializers.IntegerField(min_value=0)
    ttl = serializers.FloatField(min_value=1, max_value=DEFAULTS["lease_seconds"])


class Lease(serializers.Serializer[Any]):
    namespace = serializers.CharField()
    name = serializers.CharField()
    holder = serializers.CharField(allow_null=True)
    fencing = serializers.IntegerField(help_text="larger than that of every lease before")
    acquired_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField()


class Released(serializers.Serializer[Any]):
    namespace = serializers.CharField()
    name = serializers.CharField()
    fencing = serializers.IntegerField()
    released = serializers.BooleanField()


class Claim(serializers.Serializer[Any]):
    entry = ListedEntry()
    lease = Lease()


class Batch(serializers.Serializer[Any]):
    namespace = serializers.CharField()
    revision = serializers.IntegerField()
    results = serializers.ListField(
        child=serializers.DictField(child=AnyJSON()), help_text="one for each operation, in their order"
    )


class Page(serializers.Serializer[Any]):
    namespace = serializers.CharField()
    count = serializers.IntegerField()
    keys = serializers.ListField(child=serializers.CharField())
    next_cursor = serializers.CharField(allow_null=True)
    entries = ListedEntry(many=True, required=False)


class Cleared(serializers.Serializer[Any]):
    namespace = serializers.CharField()
    prefix = serializers.CharField()
    deleted = serializers.BooleanField()
    count = serializers.IntegerField()


class Limits(serializers.Serializer[Any]):
    writes_per_day = serializers.IntegerField()
    bytes = serializers.IntegerField()
    value_bytes = serializers.IntegerField()
    key_bytes = serializers.IntegerField()
    json_depth = serializers.IntegerField()
    keys_per_page = serializers.IntegerField()
    ttl_seconds = serializers.IntegerField()


class Usage(serializers.Serializer[Any]):
    day = serializers.DateField()
    writes = serializers.IntegerField()
    bytes = serializers.IntegerField()
    entries = serializers.IntegerField()
    reads = serializers.IntegerField(help_text="approximate, and never limited")
    resets_at = serializers.DateTimeField()


class Namespace(serializers.Serializer[Any]):
    namespace = serializers.CharField()
    access = serializers.CharField()
    status = serializers.ChoiceField(choices=["active", "read_only", "suspended"])
    reason = serializers.CharField(allow_null=True)
    until = serializers.DateTimeField(allow_null=True)
    revision = serializers.IntegerField()
    created_at = serializers.DateTimeField()
    last_write_at = serializers.DateTimeField(allow_null=True)
    limits = Limits()
    usage = Usage()


class LoggedChange(serializers.Serializer[Any]):
    revision = serializers.IntegerField()
    kind = serializers.CharField(help_text="set, delete, expire; others may come")
    key = serializers.CharField()
    value = AnyJSON(required=False, help_text="What was set; not there where nothing was, or it may not be read.")
    quarantined = serializers.BooleanField(required=False, help_text="true: a value was set, and may not be read")
    bytes = serializers.IntegerField()
    writer = Writer(allow_null=True)
    at = serializers.DateTimeField()


class ChangePage(serializers.Serializer[Any]):
    namespace = serializers.CharField()
    revision = serializers.IntegerField(help_text="the namespace's last")
    changes = LoggedChange(many=True)
    next = serializers.IntegerField(help_text="what to give as since for the next page")


class Import(serializers.Serializer[Any]):
    namespace = serializers.CharField()
    revision = serializers.IntegerField(help_text="the namespace's, after it")
    dry_run = serializers.BooleanField()
    exact = serializers.BooleanField(help_text="true: what is new comes back with its version, times and writer")
    new = serializers.IntegerField(help_text="entries whose keys are not there")
    same = serializers.IntegerField(help_text="entries that are there already, and are left alone")
    different = serializers.IntegerField(help_text="entries whose keys are there with something else")
    expired = serializers.IntegerField(help_text="entries that have expired since, and are left out")
    too_large = serializers.IntegerField(help_text="entries with values over the limit, in a dry run")
    changes = serializers.IntegerField(help_text="changes that come back into the log")
    writes_needed = serializers.IntegerField()
    writes_left = serializers.IntegerField(help_text="of the day, before it")
    bytes_needed = serializers.IntegerField()
    bytes_left = serializers.IntegerField(help_text="before it")


class Version(serializers.Serializer[Any]):
    version = serializers.IntegerField()
    kind = serializers.CharField(help_text="set, delete, expire; others may come")
    bytes = serializers.IntegerField()
    writer = Writer(allow_null=True)
    at = serializers.DateTimeField()
    value = AnyJSON(required=False, help_text="What was set, with include=values, and as far as it may be read.")
    quarantined = serializers.BooleanField(required=False, help_text="true: a value was set, and may not be read")


class History(serializers.Serializer[Any]):
    namespace = serializers.CharField()
    key = serializers.CharField()
    versions = Version(many=True, help_text="newest first")
    next_before = serializers.IntegerField(allow_null=True, help_text="what to give as before for the next page")


class Past(Version):
    namespace = serializers.CharField()
    key = serializers.CharField()


class Move(serializers.Serializer[Any]):
    key = serializers.CharField()
    to = serializers.IntegerField(allow_null=True, help_text="the version that it goes back to; null: it is deleted")

    def get_fields(self) -> dict[str, Any]:
        return {**super().get_fields(), "from": serializers.IntegerField(allow_null=True, help_text="the version now")}


class Left(serializers.Serializer[Any]):
    key = serializers.CharField()
    why = serializers.ChoiceField(choices=[fate.value for fate in LEFT])


class Rollback(serializers.Serializer[Any]):
    namespace = serializers.CharField()
    writer = Writer(allow_null=True)
    since = serializers.IntegerField()
    until = serializers.IntegerField()
    prefix = serializers.CharField(allow_blank=True)
    oldest_revision = serializers.IntegerField(help_text="the log's first; what was before is out of reach")
    dry_run = serializers.BooleanField()
    job = serializers.CharField(allow_null=True, help_text="of more keys than one transaction takes")
    state = serializers.ChoiceField(choices=["running", "cancelled", "done"])
    reached = serializers.IntegerField(help_text="the revision up to which the log has been looked through")
    complete = serializers.BooleanField(help_text="whether all keys have been looked at")
    keys = serializers.IntegerField(help_text="how many were looked at; of these:")
    restored = serializers.IntegerField()
    deleted = serializers.IntegerField()
    unchanged = serializers.IntegerField()
    kept = serializers.IntegerField(help_text="somebody else wrote later")
    unreachable = serializers.IntegerField(help_text="the log does not tell what was there before")
    refused = serializers.IntegerField(help_text="what was there before does not fit any more")
    changes = Move(many=True, help_text="the first 100")
    left = Left(many=True, help_text="the first 100")


class RestoreBody(serializers.Serializer[Any]):
    key = serializers.CharField(min_length=1, max_length=DEFAULTS["key_bytes"])
    version = serializers.IntegerField(min_value=0)
    ttl = serializers.FloatField(required=False, allow_null=True, max_value=DEFAULTS["ttl_seconds"])


class RollbackBody(serializers.Serializer[Any]):
    writer = serializers.CharField(allow_null=True, allow_blank=True, help_text="null: those who gave no name")
    verified = serializers.BooleanField()
    since = AnyJSON(required=False, help_text="A revision, or a time (RFC 3339): only what was done after it.")
    prefix = serializers.CharField(required=False, allow_blank=True)
    dry_run = serializers.BooleanField(required=False)


class QuarantineBody(serializers.Serializer[Any]):
    writer = serializers.CharField(allow_null=True, allow_blank=True, help_text="null: those who gave no name")
    verified = serializers.BooleanField()
    reason = serializers.CharField(required=False, allow_blank=True, max_length=REASON_LENGTH)


class Quarantined(serializers.Serializer[Any]):
    writer = Writer(allow_null=True)
    reason = serializers.CharField(allow_blank=True)
    at = serializers.DateTimeField()
    by = Writer(allow_null=True)


class Placed(Quarantined):
    namespace = serializers.CharField()


class Quarantine(serializers.Serializer[Any]):
    namespace = serializers.CharField()
    quarantined = Quarantined(many=True)


class ReleasedWriter(serializers.Serializer[Any]):
    namespace = serializers.CharField()
    writer = Writer(allow_null=True)
    released = serializers.BooleanField()


class Problem(serializers.Serializer[Any]):
    """RFC 9457. Each code has members of its own besides these."""

    type = serializers.CharField()
    title = serializers.CharField()
    status = serializers.IntegerField()
    code = serializers.ChoiceField(choices=list(PROBLEMS))
    detail = serializers.CharField()
    next_step = serializers.CharField()
