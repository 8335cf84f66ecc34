"""What a caller may ask an entry to be before a write happens. How HTTP says it is decided in `api.conditional`."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Condition:
    """A predicate on the entry's version, None standing for "there is no such entry".

    `sql` is the same predicate over the column `live_version` of `namespaces.sql.VERDICT`; it is never NULL.
    """

    sql: str
    is_met_by_nothing: bool = False


ALWAYS = Condition("TRUE", is_met_by_nothing=True)
ABSENT = Condition("live_version IS NULL", is_met_by_nothing=True)
PRESENT = Condition("live_version IS NOT NULL")


def at_version(*versions: int) -> Condition:
    """The entry exists at one of `versions`."""
    listed = ", ".join(str(int(version)) for version in sorted(versions))
    return Condition(f"COALESCE(live_version IN ({listed}), FALSE)")
