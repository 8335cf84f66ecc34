"""Who may see a namespace: anyone, until it is claimed; then the bearers of its tokens. To others it is not there.

Claiming is the creator's: what was made together with the namespace, the claim code, proves that. Tokens are made and
taken back in `namespaces.tokens`; what one lets its bearer do is checked where it is done.
"""

import hmac
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.utils.crypto import salted_hmac

from namespaces import clock, database, sql, units
from namespaces.callers import EVERYTHING, NOBODY, Bearer, Caller
from namespaces.errors import AlreadyClaimed, ClaimCodeRequired, InvalidToken
from namespaces.models import Namespace, Token
from namespaces.names import check_namespace
from namespaces.tokens import Rights, Shared, add, check_name, digest_of
from namespaces.units import Unit

_SALT = "botwire.claim-code"
_STAND_IN_SALT = "botwire.stand-in"
_CLOSE = "UPDATE namespaces_namespace SET access_version = 1 WHERE name = %(namespace)s"


@dataclass(frozen=True, slots=True)
class Admission:
    """What became of a request for a namespace: `is_seen` tells whether it is there for who asks, or could be made.

    With a good token, `token` is what it lets do.
    """

    is_seen: bool = True
    token: Bearer | None = None


ANYONE = Admission()
REFUSED = Admission(is_seen=False)


def admit(namespace: str, token: str, *, now: datetime | None = None) -> Admission:
    """Judge a request with a token, or with none, the empty text.

    Whoever shows a token for a namespace that does not exist, or that is private and not the token's, is told one from
    the other by nothing. Raises InvalidNamespace, InvalidToken for an open namespace, DatabaseUnavailable.
    """
    check_namespace(namespace)
    parameters = admission_parameters(namespace, token, now=now)
    with database.turn():
        row = database.fetch(sql.READ_ACCESS, parameters)
    return admission_in(namespace, token, row)


def admission_parameters(namespace: str, token: str, *, now: datetime | None = None) -> database.Parameters:
    """What `sql.READ_ACCESS` is run with."""
    now = now or clock.now()
    return {
        "namespace": namespace,
        "digest": digest_of(token) if token else "",
        "now": database.as_parameter(now),
    }


def admission_in(namespace: str, token: str, row: Sequence[Any] | None) -> Admission:
    """The judgement in a row that `sql.READ_ACCESS` answered."""
    if row is None:
        return REFUSED if token else ANYONE
    access_version, digest = row[:2]
    if not access_version:
        if token:
            raise InvalidToken(f"This is no token of the namespace {namespace}, which is open and has none.")
        return ANYONE
    if digest is None or not hmac.compare_digest(digest, digest_of(token)):
        return REFUSED
    return Admission(token=_bearer_in(row))


def _bearer_in(row: Sequence[Any]) -> Bearer:
    _, digest, role, name, read, write, expires_at = row
    ends = expires_at and clock.from_database(expires_at)
    return Bearer(digest, role, name, tuple(json.loads(read)), tuple(json.loads(write)), ends)


def bearer_of(namespace: str, digest: str, *, now: datetime | None = None) -> Bearer | None:
    """What a token lets do that was shown before, and of which the digest was kept; None where it is none any more.

    Raises InvalidNamespace, DatabaseUnavailable.
    """
    check_namespace(namespace)
    parameters = {"namespace": namespace, "digest": digest, "now": database.as_parameter(now or clock.now())}
    with database.turn():
        row = database.fetch(sql.READ_ACCESS, parameters)
    return _bearer_in(row) if row and row[0] and row[1] else None


def stand_in_of(namespace: str) -> str:
    """A name that no namespace has and nobody can guess: asking for it is asking for one that does not exist."""
    return "not:" + salted_hmac(_STAND_IN_SALT, namespace, algorithm="sha256").hexdigest()[:48]


def claim_code_of(namespace: str) -> str | None:
    """What proves that one has made this namespace; None if it does not exist, or nobody needs to prove it any more."""
    with database.turn():
        found = Namespace.objects.filter(name=namespace, access_version=0).first()
    return None if found is None else _claim_code(found.name, found.created_at, settings.SECRET_KEY)


def _claim_code(namespace: str, created_at: datetime, secret: str) -> str:
    """Nothing of it is stored: it follows from the server's secret and the moment that the namespace was made."""
    made = f"{namespace}\n{created_at.timestamp():.6f}"
    return salted_hmac(_SALT, made, secret=secret, algorithm="sha256").hexdigest()[:40]


def _is_claim_code(given: str, namespace: str, created_at: datetime) -> bool:
    secrets = (settings.SECRET_KEY, *map(str, settings.SECRET_KEY_FALLBACKS))
    expected = [_claim_code(namespace, created_at, secret) for secret in secrets]
    return any(hmac.compare_digest(given.encode(), code.encode()) for code in expected)


def claim(
    namespace: str,
    *,
    name: str = "admin",
    code: str = "",
    caller: Caller = NOBODY,
    now: datetime | None = None,
) -> Shared:
    """Make a namespace private, and give its first token, an admin's, that stands for the writer `name`.

    A namespace that does not exist is made. Raises InvalidNamespace, InvalidWriter, AlreadyClaimed, ClaimCodeRequired
    where there is one and `code` is not its claim code, NamespaceReadOnly, NamespaceSuspended, and what
    `caller.admit_creation` raises.
    """
    check_namespace(namespace)
    rights = Rights(role=Token.Role.ADMIN, name=check_name(name), read=EVERYTHING, write=EVERYTHING)

    def work(unit: Unit) -> Shared:
        if unit.access_version:
            raise AlreadyClaimed(namespace)
        if unit.created_at != unit.now and not _is_claim_code(code, namespace, unit.created_at):
            raise ClaimCodeRequired(namespace)
        unit.check_writable()
        unit.execute(_CLOSE)
        unit.has_written = True
        return add(unit, rights)

    return units.carry_out(namespace, work, now=now or clock.now(), caller=caller, is_for_anyone=True)
