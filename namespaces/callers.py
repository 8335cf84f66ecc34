"""Who asks: what the domain wants to know of whoever reads or writes. What they may is decided where they do it."""

from collections.abc import Callable
from dataclasses import dataclass

from namespaces.names import OPERATOR


def _anyone_may_create() -> None:
    pass


@dataclass(frozen=True, slots=True)
class Caller:
    """Who writes: their name, their address, and the brake on namespaces that they would create.

    The name is what they call themselves, unless `is_verified`: then it is whom this server knows them to be.
    `admit_creation` is called when a namespace is made, in the transaction that makes it, and raises to forbid it.
    An operator is bound by what a value and a namespace may hold, but not by status and daily limit, whose writes are
    the agents'; and makes no namespace. `witness` is called with the revision of an accepted write, in its transaction.
    """

    writer: str = ""
    is_verified: bool = False
    address: str = ""
    admit_creation: Callable[[], None] = _anyone_may_create
    is_operator: bool = False
    witness: Callable[[int], None] | None = None


NOBODY = Caller()
AN_OPERATOR = Caller(OPERATOR, is_verified=True, is_operator=True)
