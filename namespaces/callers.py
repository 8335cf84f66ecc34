"""Who asks: what the domain wants to know of whoever reads or writes, and what their token lets them do."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from namespaces.errors import TokenNotAllowed
from namespaces.names import OPERATOR

EVERYTHING = ("",)


@dataclass(frozen=True, slots=True)
class Bearer:
    """A good token, as it is shown. `read` and `write` are beginnings of keys; what it may write, it may read."""

    digest: str
    role: str
    name: str
    read: tuple[str, ...]
    write: tuple[str, ...]
    expires_at: datetime | None = None

    @property
    def is_admin(self) -> bool:
        return self.role == "admin"

    def reads(self, beginning: str) -> bool:
        """Whether it may read a key, or all keys that begin so."""
        return beginning.startswith(self.read + self.write)

    def writes(self, beginning: str) -> bool:
        """Whether it may write a key, or all keys that begin so."""
        return beginning.startswith(self.write)

    def refusal(self, what: str) -> TokenNotAllowed:
        """That it may not do `what`."""
        return TokenNotAllowed(what, role=self.role, read=self.read, write=self.write)


def _anyone_may_create() -> None:
    pass


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks: their name, their address, and the brake on namespaces that they would create.

    The name is what they call themselves, unless `is_verified`: then it is whom this server knows them to be.
    `token` is the one they show; without, they see open namespaces alone, and may do everything there.
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
    token: Bearer | None = None

    @property
    def digest(self) -> str:
        """Of the token; empty without one."""
        return self.token.digest if self.token else ""

    def check_reads(self, *beginnings: str) -> None:
        """Raise TokenNotAllowed if the token does not allow to read these keys, or all keys that begin so."""
        for beginning in beginnings:
            if self.token and not self.token.reads(beginning):
                raise self.token.refusal(f"read {beginning!r}" if beginning else "read everything")

    def check_writes(self, *beginnings: str) -> None:
        """The same for writing."""
        for beginning in beginnings:
            if self.token and not self.token.writes(beginning):
                raise self.token.refusal(f"write {beginning!r}" if beginning else "write everything")

    def check_admin(self, what: str) -> None:
        """Raise TokenNotAllowed if there is a token, and it is no admin token; `what` is what only these may do."""
        if self.token and not self.token.is_admin:
            raise self.token.refusal(what)


NOBODY = Caller()
AN_OPERATOR = Caller(OPERATOR, is_verified=True, is_operator=True)
