"""Tokens: made, listed, taken back and replaced. What lets somebody in is judged in `namespaces.access`.

A token is shown once, when it is made; only its SHA-256 is kept. One that is shared may do no more than the one that
shared it, lives no longer, stands for the same writer or one below it, and goes when that one is revoked.
"""

import hashlib
import json
import re
import secrets
import string
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from namespaces import clock, database, moderation, units
from namespaces.callers import EVERYTHING, Bearer, Caller
from namespaces.errors import (
    InvalidPrefix,
    InvalidToken,
    InvalidTTL,
    InvalidWriter,
    LastAdminToken,
    NamespaceNotFound,
    NamespaceOpen,
    TokenLimit,
    TokenNotFound,
)
from namespaces.limits import limit
from namespaces.models import ID_LENGTH, Namespace, Token
from namespaces.moderation import Action
from namespaces.names import check_namespace, check_prefix, check_writer
from namespaces.units import Unit

_ALPHABET = string.digits + string.ascii_uppercase + string.ascii_lowercase
_RANDOM, _CHECKED = 30, 6
# How a token looks, for scanners of secrets; of 62^6 such texts with the same beginning, one is a token.
PATTERN = r"bw_[0-9A-Za-z]{36}"
_TOKEN = re.compile(PATTERN)
_TOKEN_IN_TEXT = re.compile(rf"(?<![0-9A-Za-z]){PATTERN}(?![0-9A-Za-z])")

# Instead of an id: the caller's own token.
SELF = "self"

_COLUMNS = "digest, role, name, read, write, parent, created_at, expires_at, last_used_at"
_LIVE = "(expires_at IS NULL OR expires_at > %(now)s)"
_ALL = f"""
SELECT {_COLUMNS} FROM namespaces_token WHERE namespace_id = %(namespace)s AND {_LIVE} ORDER BY created_at, digest
"""  # noqa: S608 - our own constants
_ADD = f"""
INSERT INTO namespaces_token (namespace_id, {_COLUMNS})
VALUES (%(namespace)s, %(digest)s, %(role)s, %(name)s, %(read)s, %(write)s, %(parent)s, %(now)s, %(expires_at)s, NULL)
"""  # noqa: S608
_REMOVE = "DELETE FROM namespaces_token WHERE namespace_id = %(namespace)s AND digest = %(digest)s"
_ADOPT = """
UPDATE namespaces_token SET parent = %(digest)s WHERE namespace_id = %(namespace)s AND parent = %(before)s
"""
_END = "UPDATE namespaces_token SET expires_at = %(ends)s WHERE namespace_id = %(namespace)s AND digest = %(digest)s"
_TAKE_BACK = "UPDATE namespaces_namespace SET access_version = access_version + 1 WHERE name = %(namespace)s"


@dataclass(frozen=True, slots=True)
class Rights:
    """What a token is to be: `read` and `write` are beginnings of keys, `name` is the writer it stands for."""

    role: str
    name: str
    read: tuple[str, ...]
    write: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Known:
    """A token as it may be told: all but its text. `parent` is the id of the one that shared it, or empty."""

    id: str
    digest: str
    role: str
    name: str
    read: tuple[str, ...]
    write: tuple[str, ...]
    parent: str
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None

    @property
    def is_lasting_admin(self) -> bool:
        return self.role == Token.Role.ADMIN and self.expires_at is None


@dataclass(frozen=True, slots=True)
class Shared:
    """A token just made, and its `text`, which nobody can tell a second time."""

    namespace: str
    text: str
    token: Known


def make_text() -> str:
    """A new token: `bw_`, 30 random characters, 6 that check them, each out of 62."""
    chosen = "".join(secrets.choice(_ALPHABET) for _ in range(_RANDOM))
    return f"bw_{chosen}{_check_of(chosen)}"


def _check_of(chosen: str) -> str:
    number, check = zlib.crc32(chosen.encode()), ""
    for _ in range(_CHECKED):
        number, digit = divmod(number, len(_ALPHABET))
        check = _ALPHABET[digit] + check
    return check


def is_token(text: str) -> bool:
    """Whether a text can be a token: whoever mistypes one need not be looked up."""
    return _TOKEN.fullmatch(text) is not None and text[-_CHECKED:] == _check_of(text[3:-_CHECKED])


def check_token(text: str) -> str:
    """Return `text` if it can be a token; InvalidToken else."""
    if not is_token(text):
        raise InvalidToken(
            "This is no token: one is bw_ and 36 letters and digits, the last six of which check the rest."
        )
    return text


def has_token(text: str) -> bool:
    """Whether a text, such as an address, has a token in it."""
    return "bw_" in text and any(map(is_token, _TOKEN_IN_TEXT.findall(text)))


def digest_of(text: str) -> str:
    """What is kept of a token. It is random, and long enough that no more than a fast digest is needed."""
    return hashlib.sha256(text.encode()).hexdigest()


def check_name(name: str) -> str:
    """Return `name` if a token may stand for a writer of this name, which it has to have."""
    if not name:
        raise InvalidWriter("A token that may write stands for a writer's name.", limit=limit("writer_bytes"))
    return check_writer(name)


def share(
    namespace: str,
    caller: Caller,
    *,
    role: str | None = None,
    name: str | None = None,
    read: Sequence[str] | None = None,
    write: Sequence[str] | None = None,
    ttl: float | None = None,
    now: datetime | None = None,
) -> Shared:
    """Make a token that may do a part of what the caller's may: by default read what it may read, in its name.

    With `write`, it is a write token, which reads what it writes, and what `read` says beside. It lives for `ttl`
    seconds, but no longer than the caller's. Raises InvalidNamespace, InvalidPrefix, InvalidWriter, InvalidTTL,
    NamespaceNotFound, NamespaceOpen, TokenNotAllowed, TokenLimit.
    """
    parent = _bearer(namespace, caller)
    rights = _rights_of(parent, role, name, read, write)
    now = now or clock.now()
    expires_at = _ends(parent, ttl, now)

    def work(unit: Unit) -> Shared:
        return add(unit, rights, parent=parent.digest, expires_at=expires_at)

    return units.carry_out(namespace, work, now=now, caller=caller)


def _rights_of(
    parent: Bearer, role: str | None, name: str | None, read: Sequence[str] | None, write: Sequence[str] | None
) -> Rights:
    role = role or (Token.Role.WRITE if write else Token.Role.READ)
    name = _checked_name(parent, role, name)
    if role == Token.Role.ADMIN:
        if not parent.is_admin:
            raise parent.refusal("share an admin token")
        if read or write:
            raise InvalidPrefix("An admin token is not limited to keys.", limit=limit("token_prefixes"))
        return Rights(role, name, EVERYTHING, EVERYTHING)
    if role == Token.Role.READ:
        if write:
            raise InvalidPrefix("A read token writes under no prefix.", limit=limit("token_prefixes"))
        return Rights(role, name, _checked_prefixes(parent, read, [*parent.read, *parent.write], "read"), ())
    under = _checked_prefixes(parent, write, parent.write, "write")
    return Rights(role, name, _checked_prefixes(parent, read, (), "read"), under)


def _checked_name(parent: Bearer, role: str, name: str | None) -> str:
    name = parent.name if name is None else name
    if role != Token.Role.READ or name:
        check_name(name)
    is_below = name == parent.name or name.startswith(f"{parent.name}/")
    if name and not parent.is_admin and not (parent.name and is_below):
        raise parent.refusal(f"stand for the writer {name!r}: it stands for {parent.name!r} and what is below it")
    return name


def _checked_prefixes(
    parent: Bearer, given: Sequence[str] | None, otherwise: Iterable[str], what: str
) -> tuple[str, ...]:
    most = limit("token_prefixes")
    prefixes = tuple(dict.fromkeys(otherwise if given is None else given))
    if len(prefixes) > most and given is not None:
        raise InvalidPrefix(f"A token is limited to at most {most:,} prefixes.", limit=most)
    for prefix in map(check_prefix, prefixes):
        if not (parent.writes(prefix) if what == "write" else parent.reads(prefix)):
            raise parent.refusal(f"share what it may not {what} itself: {prefix!r}")
    if what == "write" and not prefixes:
        raise parent.refusal("share a write token")
    return prefixes


def _ends(parent: Bearer, ttl: float | None, now: datetime) -> datetime | None:
    if ttl is None:
        return parent.expires_at
    most = limit("ttl_seconds")
    if not 0 < ttl <= most:
        raise InvalidTTL(f"A ttl is a number of seconds above 0 and at most {most:,}.", limit=most)
    ends = now + max(timedelta(seconds=ttl), timedelta(microseconds=1))
    return ends if parent.expires_at is None else min(ends, parent.expires_at)


def add(unit: Unit, rights: Rights, *, parent: str = "", expires_at: datetime | None = None) -> Shared:
    """Make a token, in a unit of work; TokenLimit where the namespace has too many."""
    if len(_known(unit)) >= limit("tokens"):
        raise TokenLimit(unit.namespace, limit=limit("tokens"))
    text = make_text()
    known = Known(
        id=digest_of(text)[:ID_LENGTH],
        digest=digest_of(text),
        role=str(rights.role),
        name=rights.name,
        read=rights.read,
        write=rights.write,
        parent=parent[:ID_LENGTH],
        created_at=unit.now,
        expires_at=expires_at,
        last_used_at=None,
    )
    unit.execute(
        _ADD,
        digest=known.digest,
        role=known.role,
        name=known.name,
        read=json.dumps(known.read),
        write=json.dumps(known.write),
        parent=parent,
        expires_at=database.as_parameter(expires_at),
    )
    unit.has_written = True
    return Shared(unit.namespace, text, known)


def one(namespace: str, token_id: str, caller: Caller, *, now: datetime | None = None) -> Known:
    """A token by its id, or the caller's own, which is `self`. Raises what `listed` does, and TokenNotFound."""
    bearer = _bearer(namespace, caller)
    return _found(namespace, token_id, bearer, listed(namespace, caller, now=now))


def listed(namespace: str, caller: Caller, *, now: datetime | None = None) -> list[Known]:
    """The tokens that the caller's may manage, oldest first: all for an admin's, else itself and what came of it.

    Raises InvalidNamespace, NamespaceNotFound, NamespaceOpen.
    """
    bearer = _bearer(namespace, caller)
    return _managed(namespace, bearer, all_of(namespace, now=now))


def all_of(namespace: str, *, now: datetime | None = None) -> list[Known]:
    """Every good token of a namespace, oldest first, for operators. Raises InvalidNamespace, DatabaseUnavailable."""
    check_namespace(namespace)
    rows = Token.objects.filter(namespace_id=namespace).live(now or clock.now()).order_by("created_at", "digest")
    with database.turn():
        return [_known_in(row) for row in rows.values()]


@dataclass(frozen=True, slots=True)
class Revoked:
    """A token that was taken back, by its id; `count` says how many went, it and what came of it."""

    id: str
    count: int


def revoke(namespace: str, token_id: str, caller: Caller, *, now: datetime | None = None) -> Revoked:
    """Take a token back with all that came of it: from now on they are none.

    Raises InvalidNamespace, NamespaceNotFound, NamespaceOpen, TokenNotFound, and LastAdminToken where no admin token
    would stay that does not expire.
    """
    bearer = _bearer(namespace, caller)

    def work(unit: Unit) -> Revoked:
        every = _known(unit)
        token = _found(namespace, token_id, bearer, _managed(namespace, bearer, every))
        gone = _family(token, every)
        if not any(token.is_lasting_admin for token in every if token not in gone):
            raise LastAdminToken(namespace)
        return _take_back(unit, token, gone)

    return units.carry_out(namespace, work, now=now or clock.now(), caller=caller)


def revoke_by_operator(
    namespace: str, token_id: str, *, operator: str, reason: str, now: datetime | None = None
) -> Revoked:
    """The same for an operator, who may also take the last one, with a row in the moderation log.

    Raises InvalidNamespace, NamespaceNotFound, TokenNotFound, ActRefused without a reason.
    """
    reason = moderation.check_reason(reason)

    def work(unit: Unit) -> Revoked:
        every = _known(unit)
        token = _found(namespace, token_id, None, every)
        revoked = _take_back(unit, token, _family(token, every))
        told = {"id": token.id, "role": token.role, "name": token.name}
        moderation.record(
            Action.REVOKE,
            operator=operator,
            reason=reason,
            namespace=namespace,
            before=told,
            after={"revoked": revoked.count},
            now=unit.now,
        )
        return revoked

    check_namespace(namespace)
    with database.turn(writes=True):
        return database.transact(
            namespace, lambda cursor, row: work(units.unit_of(cursor, row, namespace, now or clock.now()))
        )


def rotate(namespace: str, token_id: str, caller: Caller, *, overlap: float = 0, now: datetime | None = None) -> Shared:
    """Replace a token by a new one with the same rights; the old one stays good for `overlap` seconds.

    What came of it now comes of the new one. Raises what `revoke` does but LastAdminToken, and InvalidTTL.
    """
    bearer = _bearer(namespace, caller)
    now = now or clock.now()
    most = limit("ttl_seconds")
    if not 0 <= overlap <= most:
        raise InvalidTTL(f"overlap is a number of seconds from 0 to {most:,}.", limit=most)
    ends = now + timedelta(seconds=overlap)

    def work(unit: Unit) -> Shared:
        every = _known(unit)
        old = _found(namespace, token_id, bearer, _managed(namespace, bearer, every))
        parent = next((token.digest for token in every if token.id == old.parent), "")
        if not overlap:
            unit.execute(_REMOVE, digest=old.digest)
        rights = Rights(old.role, old.name, old.read, old.write)
        made = add(unit, rights, parent=parent, expires_at=old.expires_at)
        unit.execute(_ADOPT, digest=made.token.digest, before=old.digest)
        if overlap and (old.expires_at is None or ends < old.expires_at):
            unit.execute(_END, digest=old.digest, ends=database.as_parameter(ends))
        unit.execute(_TAKE_BACK)
        return made

    return units.carry_out(namespace, work, now=now, caller=caller)


def _bearer(namespace: str, caller: Caller) -> Bearer:
    """What the caller shows; refused where there is nothing that it could be shown for."""
    check_namespace(namespace)
    if caller.token is not None:
        return caller.token
    with database.turn():
        found = Namespace.objects.seen_by("", clock.now()).filter(name=namespace).exists()
    raise NamespaceOpen(namespace) if found else NamespaceNotFound(namespace)


def _known(unit: Unit) -> list[Known]:
    return [_known_in(row) for row in unit.fetch_all(_ALL)]


def _known_in(row: Mapping[str, Any]) -> Known:
    moments = {name: row[name] for name in ("created_at", "expires_at", "last_used_at")}
    return Known(
        id=row["digest"][:ID_LENGTH],
        digest=row["digest"],
        role=row["role"],
        name=row["name"],
        read=tuple(json.loads(row["read"])),
        write=tuple(json.loads(row["write"])),
        parent=row["parent"][:ID_LENGTH],
        **{name: moment and clock.from_database(moment) for name, moment in moments.items()},
    )


def _managed(namespace: str, bearer: Bearer, every: list[Known]) -> list[Known]:
    own = [token for token in every if token.digest == bearer.digest]
    if not own:
        raise NamespaceNotFound(namespace)  # it has been taken back meanwhile
    return every if bearer.is_admin else _family(own[0], every)


def _family(first: Known, every: list[Known]) -> list[Known]:
    """A token and what came of it, in the order of `every`."""
    ids = {first.id}
    while more := {token.id for token in every if token.parent in ids} - ids:
        ids |= more
    return [token for token in every if token.id in ids]


def _found(namespace: str, token_id: str, bearer: Bearer | None, managed: list[Known]) -> Known:
    for token in managed:
        if token.id == token_id or (token_id == SELF and bearer and token.digest == bearer.digest):
            return token
    raise TokenNotFound(namespace, token_id)


def _take_back(unit: Unit, token: Known, gone: Sequence[Known]) -> Revoked:
    for one_of_them in gone:
        unit.execute(_REMOVE, digest=one_of_them.digest)
    unit.execute(_TAKE_BACK)
    unit.has_written = True
    return Revoked(token.id, len(gone))
