"""Every request of the HTTP API and what its answer means, once for the sync and the async client.

Nothing here sends anything; `_sync` and `_async` do. What a PATCH or a batch says is written in `_operations`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Protocol, TypeAlias
from urllib.parse import quote

from botwire import _operations as operations
from botwire._answers import (
    BatchAnswer,
    Changed,
    Claimed,
    Grant,
    Page,
    read_batch,
    read_brief_change,
    read_change_page,
    read_changed,
    read_claimed,
    read_count,
    read_deleted,
    read_entries,
    read_entry,
    read_grant,
    read_import,
    read_items,
    read_keys,
    read_quarantine,
    read_quarantined,
    read_released,
    read_rollback,
    read_set_result,
    read_shared,
    read_tokens,
    read_usage,
    read_version,
    read_versions,
)
from botwire._call import Call, idempotent
from botwire._models import (
    ChangePage,
    Entry,
    ImportResult,
    Quarantined,
    Rollback,
    SetResult,
    SharedToken,
    Token,
    Usage,
    Version,
    Writer,
)
from botwire._names import check_key, check_prefix
from botwire._operations import Operation, checked_version
from botwire._values import JSONValue, encode_value

#: The beginning of keys, or several.
Prefixes: TypeAlias = str | Sequence[str]

OWN = "self"
_TOKEN_ID = re.compile("[0-9a-f]{16}|self")
_JSON = {"Content-Type": "application/json"}
_LINES = {"Content-Type": "application/x-ndjson"}
_MINIMAL = {"Prefer": "return=minimal"}


class Fenced(Protocol):
    """A lease, as far as a request names it; `fencing` raises LeaseLostError where it is known to be lost."""

    @property
    def name(self) -> str: ...
    @property
    def fencing(self) -> int: ...


class Calls:
    """The requests about one namespace of the server at `base_url`. Arguments are checked here, before any is sent.

    A write carries an Idempotency-Key, so that it may be repeated after a lost answer; but not the set and the delete
    without condition: the key would cost each of them a row in the server's database and the fast way through it.
    """

    def __init__(self, base_url: str, namespace: str) -> None:
        self._memory = f"{base_url}/memory/{namespace}"
        self._namespace = f"{base_url}/namespaces/{namespace}"

    # --- entries

    def set(
        self,
        key: str,
        value: JSONValue,
        ttl: float | timedelta | None,
        if_version: int | None,
        if_absent: bool,
        lease: Fenced | None = None,
    ) -> Call[SetResult]:
        condition = {**_condition(if_version, if_absent), **_fence(lease)}
        headers = {**_JSON, **condition, **(idempotent() if condition else {})}
        return Call("PUT", self._entry(key), read_set_result, headers, _set_body(value, ttl))

    def get_entry(self, key: str) -> Call[Entry]:
        return Call("GET", self._entry(key), read_entry)

    def awaited_entry(self, key: str, wait: int, *, seen: int | None, equals: bytes | None) -> Call[Entry | None]:
        """The entry, held back by the server until it is worth an answer; None where it is still the version `seen`."""
        query = _query(wait=str(wait) if wait else None, equals=equals.decode() if equals and wait else None)
        headers = {} if seen is None or (equals and wait) else {"If-None-Match": f'"{seen}"'}
        return Call("GET", self._entry(key) + query, read_entry, headers, wait=wait, unchanged=lambda: None)

    def delete(self, key: str, if_version: int | None, lease: Fenced | None = None) -> Call[bool]:
        condition = {**_condition(if_version), **_fence(lease)}
        return Call("DELETE", self._entry(key), read_deleted, {**condition, **(idempotent() if condition else {})})

    def change(self, key: str, operation: Operation, lease: Fenced | None, is_brief: bool = False) -> Call[Changed]:
        """A PATCH; where `is_brief`, the answer leaves out the value as it is now."""
        headers = {**_JSON, **(_MINIMAL if is_brief else {}), **_fence(lease), **idempotent()}
        read = read_brief_change if is_brief else read_changed
        return Call("PATCH", self._entry(key), read, headers, operations.json_text(operation))

    def exists(self, key: str) -> Call[bool]:
        """Ask for the first of the keys that begin with `key`: it is `key` itself, if that exists. No value travels."""
        url = self._list(check_key(key), limit="1")
        return Call("GET", url, lambda answer, _: key in answer.texts("keys"))

    def keys(self, prefix: str, cursor: str | None = None) -> Call[Page[str]]:
        return Call("GET", self._list(prefix, cursor), read_keys)

    def items(self, prefix: str, cursor: str | None = None) -> Call[Page[tuple[str, Any]]]:
        return Call("GET", self._list(prefix, cursor, include="values"), read_items)

    def entries(self, prefix: str, cursor: str | None = None) -> Call[Page[Entry]]:
        return Call("GET", self._list(prefix, cursor, include="values"), read_entries)

    def clear(self, prefix: str) -> Call[int]:
        return Call("DELETE", self._list(prefix), read_count)

    # --- the namespace

    def usage(self) -> Call[Usage]:
        return Call("GET", self._namespace, read_usage)

    def batch(self, batch: list[Operation], lease: Fenced | None = None) -> Call[BatchAnswer]:
        """All of `batch` or nothing; one that only reads may be repeated as it is."""
        is_harmless = all(operation["op"] in (b'"get"', b'"check"') for operation in batch)
        headers = {**_JSON, **_fence(lease), **({} if is_harmless else idempotent())}
        body = operations.batch_text(batch)
        return Call("POST", f"{self._namespace}/batch", read_batch, headers, body, is_harmless=is_harmless)

    def changes(
        self,
        since: int | None,
        prefix: str,
        limit: int | None,
        wait: int = 0,
        writer: str | Writer | None = None,
        verified: bool | None = None,
    ) -> Call[ChangePage]:
        name, verified = (writer.name, writer.verified) if isinstance(writer, Writer) else (writer, verified)
        query = _query(
            since=None if since is None else str(since),
            prefix=check_prefix(prefix),
            limit=None if limit is None else str(limit),
            wait=str(wait) if wait else None,
            writer=name,
            verified=None if verified is None else _truth(verified),
        )
        return Call("GET", f"{self._namespace}/changes{query}", read_change_page, wait=wait)

    def export(self, prefix: str, history: bool) -> Call[Any]:
        """An answer that is no JSON object, and is read as it comes."""
        query = _query(prefix=check_prefix(prefix), history="true" if history else None)
        return Call("GET", f"{self._namespace}/export{query}", lambda answer, _: answer)

    def import_part(
        self, header: bytes, lines: list[bytes], origin: str, dry_run: bool, on_conflict: str
    ) -> Call[ImportResult]:
        query = _query(origin=origin, on_conflict=on_conflict, dry_run="true" if dry_run else None)
        body = b"".join((header, *lines))
        return Call("POST", f"{self._namespace}/import{query}", read_import, dict(_LINES), body, is_harmless=True)

    # --- what was

    def past(self, key: str, version: int) -> Call[Version]:
        return Call("GET", f"{self._entry(key)}?version={checked_version(version, 'version')}", read_version)

    def versions(self, key: str, before: str | None = None, *, with_values: bool = False) -> Call[Page[Version]]:
        query = _query(key=check_key(key), before=before, include="values" if with_values else None)
        return Call("GET", f"{self._namespace}/history{query}", read_versions)

    def restore(self, key: str, version: int, ttl: float | timedelta | None, if_version: int | None) -> Call[SetResult]:
        lasting = {} if ttl is None else {"ttl": operations.seconds_text(ttl).encode()}
        body = {"key": encode_value(check_key(key)), "version": str(checked_version(version, "version")).encode()}
        headers = {**_JSON, **_condition(if_version), **idempotent()}
        url = f"{self._namespace}/restore"
        return Call("POST", url, read_set_result, headers, operations.json_text({**body, **lasting}))

    def rollback(self, writer: Writer, since: int | datetime | None, prefix: str, dry_run: bool) -> Call[Rollback]:
        members = {
            **_about(writer),
            "since": encode_value(since.isoformat() if isinstance(since, datetime) else since or 0),
            "prefix": encode_value(check_prefix(prefix)),
            "dry_run": encode_value(dry_run),
        }
        headers = {**_JSON, **({} if dry_run else idempotent())}
        body = operations.json_text(members)
        return Call("POST", f"{self._namespace}/rollback", read_rollback, headers, body, is_harmless=dry_run)

    def rollback_job(self, job: str) -> Call[Rollback]:
        return Call("GET", self._rollback_job(job), read_rollback)

    def cancel_rollback(self, job: str) -> Call[Rollback]:
        return Call("DELETE", self._rollback_job(job), read_rollback, is_harmless=True)

    def quarantine(self, writer: Writer, reason: str) -> Call[Quarantined]:
        body = operations.json_text({**_about(writer), "reason": encode_value(reason)})
        return Call("POST", self._quarantine(), read_quarantined, dict(_JSON), body, is_harmless=True)

    def release_writer(self, writer: Writer) -> Call[bool]:
        query = f"?writer={quote(writer.name, safe='')}&verified={_truth(writer.verified)}"
        return Call("DELETE", self._quarantine() + query, read_released)

    def quarantined(self) -> Call[list[Quarantined]]:
        return Call("GET", self._quarantine(), read_quarantine)

    # --- access

    def claim_namespace(self, name: str | None, code: str | None) -> Call[SharedToken]:
        body = _members(name=name, claim_code=code)
        return Call("POST", f"{self._namespace}/claim", read_shared, dict(_JSON), body, is_claim=True)

    def share(
        self,
        role: str | None,
        name: str | None,
        read: Prefixes | None,
        write: Prefixes | None,
        ttl: float | timedelta | None,
    ) -> Call[SharedToken]:
        rest = {} if ttl is None else {"ttl": json.loads(operations.seconds_text(ttl))}
        body = _members(role=role, name=name, read=_prefixes(read), write=_prefixes(write), **rest)
        return Call("POST", f"{self._namespace}/tokens", read_shared, dict(_JSON), body)

    def tokens(self) -> Call[list[Token]]:
        return Call("GET", f"{self._namespace}/tokens", read_tokens)

    def revoke(self, token: Token | str) -> Call[int]:
        return Call("DELETE", self._token(token), read_count)

    def rotate(self, token: Token | str, overlap: float | timedelta) -> Call[SharedToken]:
        body = _members(overlap=json.loads(operations.seconds_text(overlap)))
        return Call("POST", f"{self._token(token)}/rotate", read_shared, dict(_JSON), body)

    def _token(self, token: Token | str) -> str:
        """The address of a token, by its id: what is secret of it is never part of an address."""
        token_id = token if isinstance(token, str) else token.id
        if not _TOKEN_ID.fullmatch(token_id):
            raise ValueError("A token is named by its id, 16 hexadecimal digits, as tokens() tells it.")
        return f"{self._namespace}/tokens/{token_id}"

    # --- leases

    def acquire(self, name: str, ttl: float | timedelta, holder: str | None, wait: int) -> Call[Grant]:
        body = _lease_body(ttl, holder=holder)
        url = self._lease(name) + _query(wait=str(wait) if wait else None)
        return Call("POST", url, read_grant, {**_JSON, **idempotent()}, body, wait=wait)

    def renew(self, name: str, fencing: int, ttl: float | timedelta) -> Call[Grant]:
        body = _lease_body(ttl, fencing=fencing)
        return Call("PUT", self._lease(name), read_grant, dict(_JSON), body, is_harmless=True)

    def release(self, name: str, fencing: int) -> Call[bool]:
        return Call("DELETE", f"{self._lease(name)}?fencing={fencing}", read_released, idempotent())

    def claim(self, prefix: str, ttl: float | timedelta, holder: str | None, wait: int) -> Call[Claimed]:
        body = _lease_body(ttl, prefix=check_prefix(prefix), holder=holder)
        url = f"{self._namespace}/claims" + _query(wait=str(wait) if wait else None)
        return Call("POST", url, read_claimed, {**_JSON, **idempotent()}, body, wait=wait)

    def _rollback_job(self, job: str) -> str:
        return f"{self._namespace}/rollbacks/{quote(job, safe='')}"

    def _quarantine(self) -> str:
        return f"{self._namespace}/quarantine"

    def _entry(self, key: str) -> str:
        return f"{self._memory}/{quote(check_key(key), safe='')}"

    def _lease(self, name: str) -> str:
        return f"{self._namespace}/leases/{quote(check_key(name), safe='')}"

    def _list(self, prefix: str, cursor: str | None = None, **parameters: str) -> str:
        return self._memory + _query(prefix=check_prefix(prefix), cursor=cursor, **parameters)


def _truth(truth: bool) -> str:
    return "true" if truth else "false"


def _about(writer: Writer) -> Operation:
    return {"writer": encode_value(writer.name), "verified": encode_value(writer.verified)}


def _query(**parameters: str | None) -> str:
    query = "&".join(f"{name}={quote(text, safe='')}" for name, text in parameters.items() if text)
    return f"?{query}" if query else ""


def _set_body(value: JSONValue, ttl: float | timedelta | None) -> bytes:
    body = b'{"value":' + encode_value(value)
    return body + (b"}" if ttl is None else b',"ttl":' + operations.seconds_text(ttl).encode() + b"}")


def _lease_body(ttl: float | timedelta, **members: str | int | None) -> bytes:
    given = {name: json.dumps(member).encode() for name, member in members.items() if member is not None}
    return operations.json_text({"ttl": operations.seconds_text(ttl).encode(), **given})


def _members(**members: Any) -> bytes:
    return encode_value({name: member for name, member in members.items() if member is not None})


def _prefixes(given: Prefixes | None) -> list[str] | None:
    if given is None:
        return None
    return [check_prefix(prefix) for prefix in ([given] if isinstance(given, str) else given)]


def _condition(if_version: int | None, if_absent: bool = False) -> dict[str, str]:
    if if_version is None:
        return {"If-None-Match": "*"} if if_absent else {}
    if if_absent:
        raise ValueError("if_version and if_absent exclude each other: an absent key has no version.")
    return {"If-Match": f'"{operations.checked_version(if_version)}"'}


def _fence(lease: Fenced | None) -> dict[str, str]:
    return {} if lease is None else {"X-BotWire-Lease": f"{quote(lease.name, safe='')}={lease.fencing}"}
