"""Every limit of BotWire, once: name, default, sentence. Pages, documentation, messages and checks read this table.

It holds no logic of its own; where a limit is enforced is said beside it.
"""

import functools
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.core.signals import setting_changed
from django.dispatch import receiver


@dataclass(frozen=True, slots=True)
class Limit:
    """One limit. `BOTWIRE_<NAME>` in the environment changes it for the server.

    `is_per_namespace` tells that an operator may also change it for one namespace: the column
    `Namespace.limit_<name>` then counts instead. `most_per_namespace` is the largest number they may put there.
    """

    name: str
    default: int
    sentence: str
    is_per_namespace: bool = False
    most_per_namespace: int = 0

    @property
    def variable(self) -> str:
        return f"BOTWIRE_{self.name.upper()}"


LIMITS = (
    Limit("writes_per_day", 1_000, "writes per namespace and UTC day; reads are unlimited", True, 1_000_000_000),
    Limit("bytes", 52_428_800, "bytes of keys and values that a namespace stores", True, 1_099_511_627_776),
    Limit("value_bytes", 1_048_576, "bytes of one value, as JSON text in UTF-8", True, 67_108_864),
    Limit("key_bytes", 512, "bytes of a key in UTF-8"),
    Limit("json_depth", 64, "levels of arrays and objects inside one another"),
    Limit("integer_digits", 4_300, "digits of an integer, the most that Python reads"),
    Limit("keys_per_page", 10_000, "keys on one page of a list, at most"),
    Limit("keys_per_page_default", 1_000, "keys on one page of a list, where none is asked for"),
    Limit("page_value_bytes", 8_388_608, "bytes of entries on one page of a list with values; at least one entry"),
    Limit("ttl_seconds", 315_360_000, "seconds until an entry expires, at most (10 years)"),
    Limit("writer_bytes", 128, "bytes of a writer's name in UTF-8"),
    Limit("new_namespaces_per_hour", 60, "new namespaces per client address and hour (IPv6: per /64)"),
    Limit("wait_seconds", 55, "seconds that an answer is held back for something to happen, at most"),
    Limit("waiters_per_process", 5_000, "requests that wait in one web process"),
    Limit("waiters_per_namespace", 2_000, "requests that wait for one namespace in one web process"),
    Limit("waiters_per_address", 1_000, "requests of one client address that wait in one web process (IPv6: per /64)"),
    Limit("batch_operations", 500, "operations of one batch, or of one JSON Patch"),
    Limit("batch_bytes", 8_388_608, "bytes of a batch's body, and of the values that its answer reads"),
    Limit("exports_per_process", 4, "exports that one web process sends at the same time"),
    Limit("export_seconds", 600, "seconds that an export takes, at most; whoever reads it more slowly is cut off"),
    Limit("leases", 1_000, "leases that are held in a namespace at the same time"),
    Limit("lease_seconds", 3_600, "seconds that a lease is held without being renewed, at most"),
    Limit("tokens", 1_000, "tokens of a namespace"),
    Limit("token_prefixes", 16, "beginnings of keys that a token is limited to, of those it reads and those it writes"),
    Limit("guesses_per_hour", 100, "wrong tokens and claim codes per client address and hour (IPv6: per /64)"),
    Limit("idempotency_hours", 24, "hours that the answer to a write with an Idempotency-Key is kept"),
    Limit("lease_receipts", 10_000, "answers to calls about leases that are kept per namespace, the newest"),
    Limit("quarantined_writers", 100, "writers of a namespace that are in quarantine at the same time"),
    Limit("change_log_days", 30, "days that the change log is kept"),
    Limit("change_log_bytes", 52_428_800, "bytes of the change log that are kept per namespace, the newest"),
)


def limit(name: str) -> int:
    """The value in force on this server for the limit `name`; KeyError for a name that is not in the table."""
    value: int = _in_force()[name]
    return value


@functools.cache
def _in_force() -> dict[str, int]:
    """The setting, which a write asks for ten times, and which Django takes a while to find each time."""
    limits: dict[str, int] = settings.LIMITS
    return limits


@receiver(setting_changed)
def _forget(**_: Any) -> None:
    _in_force.cache_clear()
