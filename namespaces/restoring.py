"""Restoring: an entry is set to what one of its versions was, as a new version. Taking back many is a rollback."""

from datetime import datetime, timedelta

from namespaces.callers import NOBODY, Caller
from namespaces.conditions import ALWAYS, Condition
from namespaces.errors import VersionNotFound
from namespaces.history import versions_with_value
from namespaces.jsontext import JSONText
from namespaces.names import check_key, check_namespace, check_writer
from namespaces.units import FREE, Terms, Unit
from namespaces.writing import Written, checked_ttl, in_unit, restoration_of, run

# What the log has, or where it has lost that, the entry itself; nothing of a writer in quarantine.
_FIND = """
SELECT value FROM (
    SELECT c.namespace_id, c.value, c.writer, c.is_verified FROM namespaces_change AS c
    WHERE c.namespace_id = %(namespace)s AND c.revision = %(version)s AND c.key = %(key)s AND c.value IS NOT NULL
    UNION ALL
    SELECT e.namespace_id, e.value, e.writer, e.is_verified FROM namespaces_entry AS e
    WHERE e.namespace_id = %(namespace)s AND e.key = %(key)s AND e.version = %(version)s
) AS found
WHERE NOT EXISTS (
    SELECT 1 FROM namespaces_quarantine AS q WHERE q.namespace_id = found.namespace_id
        AND q.writer = found.writer AND q.is_verified = found.is_verified
)
LIMIT 1
"""


def restore(
    namespace: str,
    key: str,
    version: int,
    *,
    ttl: float | None = None,
    condition: Condition = ALWAYS,
    caller: Caller = NOBODY,
    terms: Terms = FREE,
    now: datetime | None = None,
) -> Written:
    """Set a key, for `ttl` seconds or for good, to what `version` set it to, also where it has been deleted since.

    It counts as no write of the day. Raises VersionNotFound where that value is not known, or hidden, and what
    `set_entry` does but DailyWriteLimit.
    """
    check_namespace(namespace)
    check_key(key)
    check_writer(caller.writer, is_operator=caller.is_operator)
    caller.check_writes(key)
    lasting = None if ttl is None else checked_ttl(ttl)
    try:
        return in_unit(
            namespace, lambda unit: _restore(unit, key, version, lasting, condition, caller), caller, terms, now
        )
    except VersionNotFound:
        raise VersionNotFound(key, version, versions=versions_with_value(namespace, key)) from None


def _restore(
    unit: Unit, key: str, version: int, lasting: timedelta | None, condition: Condition, caller: Caller
) -> Written:
    found = unit.fetch(_FIND, key=key, version=version)
    if found is None:
        raise VersionNotFound(key, version)
    value = JSONText.of_checked(found["value"])
    expires_at = None if lasting is None else unit.now + lasting
    write = restoration_of(
        unit.namespace, key, value, expires_at=expires_at, condition=condition, caller=caller, now=unit.now
    )
    return write.written(run(unit, write))
