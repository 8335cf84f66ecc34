"""The SQL of reads and writes, once for SQLite and PostgreSQL. The rules are in `VERDICT`; nothing here is run.

A write is judged by `VERDICT`, one SELECT over the rows that it concerns, and carried out by the statements of its
plan, each of which does nothing unless the verdict is free of a refusal. PostgreSQL runs `LOCK_NAMESPACE`, then verdict
and statements as one CTE, in one round trip and one implicit transaction: the second statement's snapshot is taken when
the lock is held, so it sees every earlier write. SQLite runs them one by one inside BEGIN IMMEDIATE.
"""

import re
from dataclasses import dataclass, replace
from functools import lru_cache

FOR_UPDATE = " FOR NO KEY UPDATE"
LOCK_NAMESPACE = "SELECT revision FROM namespaces_namespace WHERE name = %(namespace)s FOR NO KEY UPDATE"

# Whether the namespace `ns` is there for the caller: a private one is so for nobody without a good token for it. The
# digest '' is that of no token.
_IS_SEEN = """(ns.access_version = 0 OR EXISTS (
    SELECT 1 FROM namespaces_token AS t WHERE t.namespace_id = ns.name AND t.digest = %(digest)s
        AND (t.expires_at IS NULL OR t.expires_at > %(now)s)
))"""

# A refusal of the request itself comes before its condition (RFC 9110 section 13.2.1). {precondition} is one of
# `namespaces.conditions`, {growth} the change of the stored bytes, {missing} the plan's answer to a missing key,
# {is_bound} whether the namespace's status binds the writer (it does not bind operators), {is_counted} whether it is a
# write of the day (an operator's is not, nor what takes back another one), {is_seen} that the namespace is there for
# them at all; {writes_before} and {bytes_before} are what the sets before it in the same statement do, see `SET_MANY`;
# {items} is the table that several sets stand in, {of_item} its columns, see `namespaces.engine.many`.
VERDICT = """
SELECT state.*,
    CASE
        WHEN {is_bound} AND status = 'suspended' THEN 'namespace_suspended'
        WHEN {is_bound} AND status = 'read_only' THEN 'namespace_read_only'
        WHEN %(value_bytes)s > value_limit THEN 'value_too_large'
        {missing}
        WHEN {is_counted} AND writes >= write_limit THEN 'daily_write_limit'
        WHEN growth > 0 AND stored_bytes + growth > byte_limit THEN 'storage_limit'
        WHEN NOT ({precondition}) THEN 'precondition_failed'
    END AS refusal
FROM (
    SELECT {of_item}ns.revision + 1 + {writes_before} AS revision,
        CASE WHEN ns.status_until IS NULL OR ns.status_until > %(now)s THEN ns.status ELSE 'active' END AS status,
        ns.status_reason, ns.status_until,
        COALESCE(ns.limit_writes_per_day, %(writes_per_day)s) AS write_limit,
        COALESCE(ns.limit_bytes, %(bytes)s) AS byte_limit,
        COALESCE(ns.limit_value_bytes, %(value_bytes_limit)s) AS value_limit,
        ns.bytes + {bytes_before} AS stored_bytes,
        COALESCE(u.writes, 0) + {writes_before} AS writes,
        {growth} AS growth,
        {appeared} AS appeared,
        CASE WHEN e.expires_at IS NULL OR e.expires_at > %(now)s THEN e.version END AS live_version,
        CASE WHEN e.expires_at IS NULL OR e.expires_at > %(now)s THEN e.created_at END AS live_since
    FROM {items}namespaces_namespace AS ns
    LEFT JOIN namespaces_entry AS e ON e.namespace_id = ns.name AND e.key = %(key)s
    LEFT JOIN namespaces_dailyusage AS u ON u.namespace_id = ns.name AND u.day = %(today)s
    WHERE ns.name = %(namespace)s AND {is_seen}
) AS state
"""


def is_hidden(row: str) -> str:
    """Whether the writer of an entry, or of a change, is in quarantine; `row` is what its table is called."""
    return (
        f"EXISTS (SELECT 1 FROM namespaces_quarantine AS q WHERE q.namespace_id = {row}.namespace_id"  # noqa: S608
        f" AND q.writer = {row}.writer AND q.is_verified = {row}.is_verified)"
    )


# What a unit of work begins with, see `namespaces.units`.
READ_NAMESPACE = """
SELECT status, status_reason, status_until, revision, fencing, access_version, created_at FROM namespaces_namespace
WHERE name = %(namespace)s
"""

# Whether there is a namespace, whether it is private, and what the token may that is shown, if it is a good one of it.
READ_ACCESS = """
SELECT ns.access_version, t.digest, t.role, t.name, t.read, t.write, t.expires_at FROM namespaces_namespace AS ns
LEFT JOIN namespaces_token AS t
    ON t.namespace_id = ns.name AND t.digest = %(digest)s AND (t.expires_at IS NULL OR t.expires_at > %(now)s)
WHERE ns.name = %(namespace)s
"""

# The verdict on a write to an entry, with what the entry holds.
VERDICT_AND_ENTRY = """
SELECT verdict.*, e.value, e.expires_at, e.updated_at, e.bytes, {is_hidden} AS is_hidden FROM ({verdict}) AS verdict
LEFT JOIN namespaces_entry AS e
    ON e.namespace_id = %(namespace)s AND e.key = %(key)s AND (e.expires_at IS NULL OR e.expires_at > %(now)s)
"""

ADVANCE_NAMESPACE = """
UPDATE namespaces_namespace AS ns SET
    revision = verdict.revision, bytes = ns.bytes + verdict.growth, entries = ns.entries + verdict.appeared,
    log_bytes = ns.log_bytes + %(log_bytes)s, last_write_at = %(now)s
FROM verdict WHERE ns.name = %(namespace)s AND verdict.refusal IS NULL
"""

COUNT_WRITE = """
INSERT INTO namespaces_dailyusage AS u (namespace_id, day, writes, bytes_written, reads, refusals)
SELECT %(namespace)s, %(today)s, 1, %(entry_bytes)s, 0, '{}' FROM verdict WHERE verdict.refusal IS NULL
ON CONFLICT (namespace_id, day) DO UPDATE SET
    writes = u.writes + 1, bytes_written = u.bytes_written + excluded.bytes_written
"""

COUNT_READS = """
INSERT INTO namespaces_dailyusage AS u (namespace_id, day, writes, bytes_written, reads, refusals)
VALUES (%(namespace)s, %(today)s, 0, 0, %(reads)s, '{}')
ON CONFLICT (namespace_id, day) DO UPDATE SET reads = u.reads + excluded.reads
"""

SET_ENTRY = """
INSERT INTO namespaces_entry (
    namespace_id, key, bytes, version, created_at, updated_at, expires_at, writer, is_verified, value
)
SELECT %(namespace)s, %(key)s, %(entry_bytes)s, verdict.revision, COALESCE(verdict.live_since, %(now)s), %(now)s,
    %(expires_at)s, %(writer)s, %(is_verified)s, %(value)s
FROM verdict WHERE verdict.refusal IS NULL
ON CONFLICT (namespace_id, key) DO UPDATE SET
    bytes = excluded.bytes, version = excluded.version, created_at = excluded.created_at,
    updated_at = excluded.updated_at, expires_at = excluded.expires_at, writer = excluded.writer,
    is_verified = excluded.is_verified, value = excluded.value
"""

DELETE_ENTRY = """
DELETE FROM namespaces_entry WHERE namespace_id = %(namespace)s AND key = %(key)s
    AND EXISTS (SELECT 1 FROM verdict WHERE verdict.refusal IS NULL)
"""

LOG_CHANGE = """
INSERT INTO namespaces_change (namespace_id, revision, kind, key, bytes, at, writer, is_verified, expires_at, value)
SELECT %(namespace)s, verdict.revision, %(kind)s, %(key)s, %(log_bytes)s, %(now)s, %(writer)s, %(is_verified)s,
    %(expires_at)s, %(value)s
FROM verdict WHERE verdict.refusal IS NULL
"""

# In several sets, where these are writes of the day.
_COUNT_MANY = """, step_1 AS (
    INSERT INTO namespaces_dailyusage AS u (namespace_id, day, writes, bytes_written, reads, refusals)
    SELECT %(namespace)s, %(today)s, total.writes, total.bytes, 0, '{}' FROM total
    ON CONFLICT (namespace_id, day) DO UPDATE SET
        writes = u.writes + excluded.writes, bytes_written = u.bytes_written + excluded.bytes_written
)"""
# Several sets, each judged as if those before it had been carried out; all of them are, or none.
SET_MANY = """
WITH item AS (
    SELECT given.*, (SUM(given.entry_bytes - COALESCE(e.bytes, 0)) OVER (ORDER BY given.n)
        - given.entry_bytes + COALESCE(e.bytes, 0))::bigint AS bytes_before
    FROM unnest(%(keys)s::text[], %(values)s::text[], %(value_sizes)s::bigint[], %(entry_sizes)s::bigint[],
        %(expiries)s::timestamptz[])
        WITH ORDINALITY AS given (key, value, value_bytes, entry_bytes, expires_at, n)
    LEFT JOIN namespaces_entry AS e ON e.namespace_id = %(namespace)s AND e.key = given.key
), verdict AS (
    SELECT item.*, judged.* FROM item CROSS JOIN LATERAL ({verdict}) AS judged
), total AS (
    SELECT MAX(revision) AS revision, SUM(growth)::bigint AS growth, SUM(appeared) AS appeared, COUNT(*) AS writes,
        SUM(entry_bytes)::bigint AS bytes
    FROM verdict HAVING COUNT(refusal) = 0
), step_0 AS (
    UPDATE namespaces_namespace AS ns SET
        revision = total.revision, bytes = ns.bytes + total.growth, entries = ns.entries + total.appeared,
        log_bytes = ns.log_bytes + total.bytes, last_write_at = %(now)s
    FROM total WHERE ns.name = %(namespace)s
){counting}, step_2 AS (
    INSERT INTO namespaces_entry (
        namespace_id, key, bytes, version, created_at, updated_at, expires_at, writer, is_verified, value
    )
    SELECT %(namespace)s, verdict.key, verdict.entry_bytes, verdict.revision, COALESCE(verdict.live_since, %(now)s),
        %(now)s, verdict.expires_at, %(writer)s, %(is_verified)s, verdict.value
    FROM verdict, total
    ON CONFLICT (namespace_id, key) DO UPDATE SET
        bytes = excluded.bytes, version = excluded.version, created_at = excluded.created_at,
        updated_at = excluded.updated_at, expires_at = excluded.expires_at, writer = excluded.writer,
        is_verified = excluded.is_verified, value = excluded.value
), step_3 AS (
    INSERT INTO namespaces_change (
        namespace_id, revision, kind, key, bytes, at, writer, is_verified, expires_at, value
    )
    SELECT %(namespace)s, verdict.revision, %(kind)s, verdict.key, verdict.entry_bytes, %(now)s, %(writer)s,
        %(is_verified)s, verdict.expires_at, verdict.value
    FROM verdict, total
)
SELECT revision, status, status_reason, status_until, write_limit, byte_limit, value_limit, stored_bytes, writes,
    growth, live_version, live_since, refusal
FROM verdict ORDER BY n
"""

# For whoever waits: one read tells all of them, and each judges by `access_version` whether that is for them.
READ_ENTRY_FOR_ALL = """
SELECT CASE WHEN ns.status_until IS NULL OR ns.status_until > %(now)s THEN ns.status ELSE 'active' END,
    ns.status_reason, ns.status_until, ns.access_version,
    e.version, e.created_at, e.updated_at, e.expires_at, e.writer, e.is_verified, e.value
FROM namespaces_namespace AS ns
LEFT JOIN namespaces_entry AS e
    ON e.namespace_id = ns.name AND e.key = %(key)s AND (e.expires_at IS NULL OR e.expires_at > %(now)s)
    AND NOT {is_hidden}
WHERE ns.name = %(namespace)s
""".replace("{is_hidden}", is_hidden("e"))
READ_ENTRY = f"{READ_ENTRY_FOR_ALL} AND {_IS_SEEN}"

# A page of keys as one JSON array, which is one row: SQLite takes a step for each, and between the steps other threads
# take the interpreter. {array_of} puts the keys together.
_LIST_KEYS = """
SELECT CASE WHEN ns.status_until IS NULL OR ns.status_until > %(now)s THEN ns.status ELSE 'active' END,
    ns.status_reason, ns.status_until, (
        SELECT {array_of} FROM (
            SELECT e.key FROM namespaces_entry AS e
            WHERE e.namespace_id = %(namespace)s AND e.key >= %(start)s AND e.key <> %(after)s
                AND (%(prefix_is_open)s OR e.key < %(prefix_end)s)
                AND (e.expires_at IS NULL OR e.expires_at > %(now)s) AND NOT {is_hidden}
            ORDER BY e.key LIMIT %(most)s
        ) AS page
    )
FROM namespaces_namespace AS ns
WHERE ns.name = %(namespace)s AND {is_seen}
"""
LIST_KEYS = {
    vendor: _LIST_KEYS.format(array_of=array_of, is_hidden=is_hidden("e"), is_seen=_IS_SEEN)
    for vendor, array_of in (("sqlite", "json_group_array(page.key)"), ("postgresql", "json_agg(page.key)::text"))
}

# Revisions have no gap, so a span of them bounds how many rows are looked at, however few are under the prefix. The
# rows of a page are chosen by their sizes before a value is read.
_READ_CHANGES = """
SELECT CASE WHEN ns.status_until IS NULL OR ns.status_until > %(now)s THEN ns.status ELSE 'active' END,
    ns.status_reason, ns.status_until, ns.access_version, ns.revision, ns.trimmed_revision,
    c.revision, c.kind, c.key, c.bytes, c.writer, c.is_verified, c.at,
    c.value IS NOT NULL AND {is_hidden}, CASE WHEN NOT {is_hidden} THEN c.value END
FROM namespaces_namespace AS ns
LEFT JOIN (
    SELECT revision FROM (
        SELECT revision, ROW_NUMBER() OVER (ORDER BY revision) AS place, SUM(bytes) OVER (ORDER BY revision) AS total
        FROM (
            SELECT revision, bytes FROM namespaces_change
            WHERE namespace_id = %(namespace)s AND revision > %(since)s AND revision <= %(until)s
                AND key >= %(prefix)s AND (%(prefix_is_open)s OR key < %(prefix_end)s)
                AND (%(is_any_writer)s OR writer = %(writer)s)
                AND (%(is_any_standing)s OR is_verified = %(is_verified)s)
            ORDER BY revision LIMIT %(most)s
        ) AS chosen
    ) AS added_up
    WHERE total <= %(room)s OR place = 1
) AS page ON TRUE
LEFT JOIN namespaces_change AS c ON c.namespace_id = ns.name AND c.revision = page.revision
WHERE ns.name = %(namespace)s {is_seen}
ORDER BY c.revision
"""
READ_CHANGES = _READ_CHANGES.format(is_seen=f"AND {_IS_SEEN}", is_hidden=is_hidden("c"))
READ_CHANGES_FOR_ALL = _READ_CHANGES.format(is_seen="", is_hidden=is_hidden("c"))

# An export, see `namespaces.exporting`: pages are chosen by their sizes before a value is read, as those of changes.
EXPORT_OUTLINE_FOR_ALL = """
SELECT CASE WHEN ns.status_until IS NULL OR ns.status_until > %(now)s THEN ns.status ELSE 'active' END,
    ns.status_reason, ns.status_until, ns.revision
FROM namespaces_namespace AS ns WHERE ns.name = %(namespace)s
"""
EXPORT_OUTLINE = f"{EXPORT_OUTLINE_FOR_ALL} AND {_IS_SEEN}"
# The first count reads an index alone, the second the index of those that expire, the third only where one is hidden.
COUNT_LIVE = """
SELECT (
    SELECT COUNT(*) FROM namespaces_entry
    WHERE namespace_id = %(namespace)s AND key >= %(prefix)s AND (%(prefix_is_open)s OR key < %(prefix_end)s)
) - (
    SELECT COUNT(*) FROM namespaces_entry
    WHERE namespace_id = %(namespace)s AND key >= %(prefix)s AND (%(prefix_is_open)s OR key < %(prefix_end)s)
        AND expires_at <= %(now)s
) - CASE WHEN EXISTS (SELECT 1 FROM namespaces_quarantine WHERE namespace_id = %(namespace)s) THEN (
    SELECT COUNT(*) FROM namespaces_entry AS e
    WHERE e.namespace_id = %(namespace)s AND e.key >= %(prefix)s AND (%(prefix_is_open)s OR e.key < %(prefix_end)s)
        AND (e.expires_at IS NULL OR e.expires_at > %(now)s) AND {is_hidden}
) ELSE 0 END
""".replace("{is_hidden}", is_hidden("e"))
COUNT_LOGGED = """
SELECT COUNT(*) FROM namespaces_change
WHERE namespace_id = %(namespace)s AND key >= %(prefix)s AND (%(prefix_is_open)s OR key < %(prefix_end)s)
"""
EXPORT_ENTRIES = """
SELECT e.key, e.value, e.version, e.writer, e.is_verified, e.created_at, e.updated_at, e.expires_at
FROM (
    SELECT key FROM (
        SELECT key, ROW_NUMBER() OVER (ORDER BY key) AS place, SUM(bytes) OVER (ORDER BY key) AS total
        FROM (
            SELECT h.key, h.bytes FROM namespaces_entry AS h
            WHERE h.namespace_id = %(namespace)s AND h.key > %(after)s AND h.key >= %(prefix)s
                AND (%(prefix_is_open)s OR h.key < %(prefix_end)s)
                AND (h.expires_at IS NULL OR h.expires_at > %(now)s) AND NOT {is_hidden}
            ORDER BY h.key LIMIT %(most)s
        ) AS chosen
    ) AS added_up
    WHERE total <= %(room)s OR place = 1
) AS page
JOIN namespaces_entry AS e ON e.namespace_id = %(namespace)s AND e.key = page.key
ORDER BY e.key
""".replace("{is_hidden}", is_hidden("h"))
EXPORT_CHANGES = """
SELECT c.revision, c.kind, c.key, c.bytes, c.writer, c.is_verified, c.at,
    c.value IS NOT NULL AND {is_hidden}, CASE WHEN NOT {is_hidden} THEN c.value END
FROM (
    SELECT revision FROM (
        SELECT revision, ROW_NUMBER() OVER (ORDER BY revision DESC) AS place,
            SUM(bytes) OVER (ORDER BY revision DESC) AS total
        FROM (
            SELECT revision, bytes FROM namespaces_change
            WHERE namespace_id = %(namespace)s AND revision < %(before)s AND key >= %(prefix)s
                AND (%(prefix_is_open)s OR key < %(prefix_end)s)
            ORDER BY revision DESC LIMIT %(most)s
        ) AS chosen
    ) AS added_up
    WHERE total <= %(room)s OR place = 1
) AS page
JOIN namespaces_change AS c ON c.namespace_id = %(namespace)s AND c.revision = page.revision
ORDER BY c.revision DESC
""".replace("{is_hidden}", is_hidden("c"))

# An import, see `namespaces.importing`, which fills in {keys} and {rows}, placeholders for so many.
READ_TRIMMED = "SELECT trimmed_revision FROM namespaces_namespace WHERE name = %(namespace)s"
FIND_RESTORATION = "SELECT origin, revision FROM namespaces_restoration WHERE namespace_id = %(namespace)s"
BEGIN_RESTORATION = """
INSERT INTO namespaces_restoration (namespace_id, origin, revision, at)
VALUES (%(namespace)s, %(origin)s, %(revision)s, %(now)s)
"""
FIND_STORED = """
SELECT key, bytes, version, writer, is_verified, created_at, expires_at FROM namespaces_entry
WHERE namespace_id = %(namespace)s AND key IN ({keys})
"""
FIND_VALUES = """
SELECT key, value FROM namespaces_entry WHERE namespace_id = %(namespace)s AND key IN ({keys})
"""
FIND_TOUCHED = """
SELECT DISTINCT key FROM namespaces_change
WHERE namespace_id = %(namespace)s AND key IN ({keys}) AND revision > %(base)s
"""
PUT_ENTRIES = """
INSERT INTO namespaces_entry (
    namespace_id, key, bytes, version, created_at, updated_at, expires_at, writer, is_verified, value
)
VALUES {rows}
ON CONFLICT (namespace_id, key) DO UPDATE SET
    bytes = excluded.bytes, version = excluded.version, created_at = excluded.created_at,
    updated_at = excluded.updated_at, expires_at = excluded.expires_at, writer = excluded.writer,
    is_verified = excluded.is_verified, value = excluded.value
"""
PUT_CHANGES = """
INSERT INTO namespaces_change (namespace_id, revision, kind, key, bytes, at, writer, is_verified, value) VALUES {rows}
"""
ADVANCE_BY_IMPORT = """
UPDATE namespaces_namespace SET
    revision = %(revision)s, trimmed_revision = %(trimmed_revision)s, bytes = bytes + %(growth)s,
    entries = entries + %(appeared)s, log_bytes = log_bytes + %(log_bytes)s, last_write_at = %(now)s
WHERE name = %(namespace)s
"""
COUNT_WRITES = """
INSERT INTO namespaces_dailyusage AS u (namespace_id, day, writes, bytes_written, reads, refusals)
VALUES (%(namespace)s, %(today)s, %(writes)s, %(bytes_written)s, 0, '{}')
ON CONFLICT (namespace_id, day) DO UPDATE SET
    writes = u.writes + excluded.writes, bytes_written = u.bytes_written + excluded.bytes_written
"""

READ_VERSION = """
SELECT version FROM namespaces_entry
WHERE namespace_id = %(namespace)s AND key = %(key)s AND (expires_at IS NULL OR expires_at > %(now)s)
"""

# Conditions name versions, so that there is no end of them; a statement that is the same object is found prepared.
_REMEMBERED = 256

# The columns of a verdict.
STATE = (
    *("revision", "status", "status_reason", "status_until", "write_limit", "byte_limit", "value_limit"),
    *("stored_bytes", "writes", "growth", "appeared", "live_version", "live_since", "refusal"),
)
# What the statements of a plan read of a verdict; on SQLite these are handed back to them as constants.
JUDGED = ("revision", "growth", "appeared", "live_since", "refusal")


@dataclass(frozen=True)
class Plan:
    """One kind of write: its statements in order, what its verdict computes, and its `kind` in the change log.

    `is_bound` tells whether the namespace's status binds its writer, `is_counted` whether it is a write of the day.
    """

    kind: str
    statements: tuple[str, ...]
    growth: str
    appeared: str
    missing: str = ""
    is_bound: bool = True
    is_counted: bool = True

    @lru_cache(maxsize=_REMEMBERED)  # noqa: B019 - the plans are constants of this module
    def verdict(self, precondition: str) -> str:
        """The SELECT that judges the write."""
        return self._verdict(precondition, writes_before="0", bytes_before="0")

    def verdict_of_items(self, precondition: str) -> str:
        """The SELECT that judges the writes of the table `item` (SQLite), each as if those before it were done."""
        before = {"writes_before": "item.writes_before", "bytes_before": "item.bytes_before"}
        return self._verdict(precondition, **before, items="temp.item AS item CROSS JOIN ", of_item="item.*, ")

    def _verdict(
        self, precondition: str, *, writes_before: str, bytes_before: str, items: str = "", of_item: str = ""
    ) -> str:
        return VERDICT.format(
            precondition=precondition,
            growth=self.growth,
            appeared=self.appeared,
            missing=self.missing.format(precondition=precondition),
            is_bound="TRUE" if self.is_bound else "FALSE",
            is_counted="TRUE" if self.is_counted else "FALSE",
            # What is not counted is an operator's, or of a unit of work, which has judged that.
            is_seen=_IS_SEEN if self.is_counted else "TRUE",
            writes_before=writes_before,
            bytes_before=bytes_before,
            items=items,
            of_item=of_item,
        )

    @lru_cache(maxsize=_REMEMBERED)  # noqa: B019
    def as_one_statement(self, precondition: str) -> str:
        """Verdict and statements as one CTE that answers the verdict (PostgreSQL)."""
        parts = "".join(f", step_{n} AS ({sql})" for n, sql in enumerate(self.statements))
        return f"WITH verdict AS ({self.verdict(precondition)}){parts} SELECT * FROM verdict"  # noqa: S608 - our own constants

    @lru_cache(maxsize=_REMEMBERED)  # noqa: B019
    def as_single_statements(self) -> tuple[str, ...]:
        """Each statement for itself, the verdict's columns given as parameters `judged_<column>` (SQLite)."""
        return tuple(_AFTER_VERDICT + sql for sql in self.statements)

    @lru_cache(maxsize=_REMEMBERED)  # noqa: B019
    def as_many(self, precondition: str) -> str:
        """The sets of several keys, none of them twice, as one statement that answers their verdicts (PostgreSQL)."""
        verdict = self._verdict(precondition, writes_before="(item.n - 1)", bytes_before="item.bytes_before")
        for column in ("key", "value_bytes", "entry_bytes"):
            verdict = verdict.replace(f"%({column})s", f"item.{column}")
        return SET_MANY.format(verdict=verdict, counting=_COUNT_MANY if self.is_counted else "")

    @lru_cache(maxsize=_REMEMBERED)  # noqa: B019
    def verdict_and_entry(self, precondition: str) -> str:
        """The verdict with the entry's own columns beside it."""
        return VERDICT_AND_ENTRY.format(verdict=self.verdict(precondition), is_hidden=is_hidden("e"))


_AFTER_VERDICT = (
    f"WITH verdict ({', '.join(JUDGED)}) AS (VALUES ({', '.join(f'%(judged_{column})s' for column in JUDGED)}))"
)

SET = Plan(
    kind="set",
    statements=(ADVANCE_NAMESPACE, COUNT_WRITE, SET_ENTRY, LOG_CHANGE),
    growth="%(entry_bytes)s - COALESCE(e.bytes, 0)",
    appeared="CASE WHEN e.version IS NULL THEN 1 ELSE 0 END",
)
DELETE = Plan(
    kind="delete",
    statements=(ADVANCE_NAMESPACE, COUNT_WRITE, DELETE_ENTRY, LOG_CHANGE),
    growth="0 - COALESCE(e.bytes, 0)",
    appeared="0 - CASE WHEN e.version IS NULL THEN 0 ELSE 1 END",
    missing="WHEN live_version IS NULL AND ({precondition}) THEN 'key_not_found'",
)


def parameters_of_sets() -> tuple[str, ...]:
    """The names of all parameters that a set has."""
    return tuple(sorted(set(re.findall(r"%\((\w+)\)s", SET.verdict("TRUE") + "".join(SET.statements)))))


# What takes back other writes is none of the day: each of those was counted, and a day that is used up must not keep
# anybody from it. What a value and a namespace may hold is the same for all.
RESTORE = replace(SET, statements=(ADVANCE_NAMESPACE, SET_ENTRY, LOG_CHANGE), is_counted=False)
# An operator cleans up where agents may not write any more, and takes none of their writes of the day.
SET_BY_OPERATOR = replace(RESTORE, is_bound=False)
DELETE_BY_OPERATOR = replace(
    DELETE, statements=(ADVANCE_NAMESPACE, DELETE_ENTRY, LOG_CHANGE), is_bound=False, is_counted=False
)
# A clear is judged like any write and counted as one; what it removes goes in batches, see `namespaces.removal`.
CLEAR = Plan(kind="delete", statements=(COUNT_WRITE,), growth="0", appeared="0")
# Nothing is written: only whether a write would be refused.
LOOK = Plan(kind="", statements=(), growth="0", appeared="0", missing="WHEN TRUE THEN NULL")
# The same for a change, whose size is not known before the entry is: what is refused whatever it will be.
CHANGE = Plan(kind="", statements=(), growth="0", appeared="0")

# The first key of each segment behind a prefix of %(length)s characters, from %(start)s on, and how many keys have it,
# up to %(counted)s: each step looks up the first key behind the segment before, so that it costs the same however many
# keys a segment has. A segment ends at the first separator; the string behind all of its keys ends with the character
# after it. No key has a character below the space, so that nothing is between a key and itself with a space.
_SEGMENTS = """
WITH RECURSIVE step (key, number) AS (
    SELECT (
        SELECT e.key FROM namespaces_entry AS e
        WHERE e.namespace_id = %(namespace)s AND e.key >= %(start)s {{below_end}} ORDER BY e.key LIMIT 1
    ), 1
    UNION ALL
    SELECT (
        SELECT e.key FROM namespaces_entry AS e
        WHERE e.namespace_id = %(namespace)s AND e.key >= {behind} {{below_end}} ORDER BY e.key LIMIT 1
    ), step.number + 1
    FROM step WHERE step.key IS NOT NULL AND step.number < %(segments)s
)
SELECT step.key, CASE WHEN {position} = 0 THEN 1 ELSE (
    SELECT COUNT(*) FROM (
        SELECT 1 FROM namespaces_entry AS e
        WHERE e.namespace_id = %(namespace)s AND e.key >= substr(step.key, 1, %(length)s + {position})
            AND e.key < {behind}
        LIMIT %(counted)s
    ) AS counted
) END
FROM step WHERE step.key IS NOT NULL ORDER BY step.number
"""
_BEHIND = """CASE WHEN {position} = 0 THEN step.key || ' '
    ELSE substr(step.key, 1, %(length)s + {position} - 1)
        || CASE substr(step.key, %(length)s + {position}, 1) WHEN '/' THEN '0' WHEN ':' THEN ';' ELSE '/' END
    END"""


def _segments(find: str, has_end: bool) -> str:
    rest = "substr(step.key, %(length)s + 1)"
    position = f"{find}(replace(replace({rest}, ':', '/'), '.', '/'), '/')"
    query = _SEGMENTS.format(position=position, behind=_BEHIND.format(position=position))
    return query.format(below_end="AND e.key < %(end)s" if has_end else "")


SEGMENTS = {
    (vendor, has_end): _segments(find, has_end)
    for vendor, find in (("sqlite", "instr"), ("postgresql", "strpos"))
    for has_end in (True, False)
}
