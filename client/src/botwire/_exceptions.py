"""Everything that `botwire` raises on its own account. Which answer becomes which of these is decided in `_problems`.

BotWireError
├── UnsupportedValueError (TypeError)              not a JSON value; nothing was sent
├── BotWireConnectionError (ConnectionError)       no answer              method, url, is_outcome_unknown
│   └── BotWireTimeoutError (TimeoutError)         ... in time
├── UnexpectedAnswerError                          an answer, but not BotWire's            url, status
├── WaitTimeoutError (TimeoutError)                what was waited for did not come        key
└── BotWireAPIError                                refused        code, status, title, detail, next_step,
    │                                                             retry_after
    ├── InvalidRequestError (ValueError)           400
    │   ├── InvalidJSONError                       invalid_json
    │   ├── InvalidBodyError                       invalid_body
    │   ├── JSONTooDeepError                       json_too_deep                limit
    │   ├── InvalidTTLError                        invalid_ttl                  limit
    │   ├── InvalidNamespaceError                  invalid_namespace            limit
    │   ├── InvalidKeyError                        invalid_key                  limit
    │   ├── InvalidPrefixError                     invalid_prefix               limit
    │   ├── InvalidCursorError                     invalid_cursor
    │   ├── InvalidRevisionError                   invalid_revision             revision
    │   ├── InvalidParameterError                  invalid_parameter            parameter
    │   ├── InvalidConditionError                  invalid_condition
    │   ├── InvalidAgentError                      invalid_agent                limit
    │   ├── InvalidIdempotencyKeyError             invalid_idempotency_key      limit
    │   ├── InvalidPatchError                      invalid_patch
    │   ├── InvalidExportError                     invalid_export               line
    │   ├── WriterMismatchError                    writer_mismatch
    │   ├── TokenInURLError                        token_in_url
    │   └── BadRequestError                        bad_request
    ├── AccessDeniedError                          401, 403
    │   ├── InvalidTokenError                      invalid_token
    │   ├── TokenNotAllowedError                   token_not_allowed            role, read, write
    │   ├── ClaimCodeRequiredError                 claim_code_required
    │   ├── NamespaceReadOnlyError                 namespace_read_only          reason, until
    │   ├── NamespaceSuspendedError                namespace_suspended          reason, until
    │   └── ForbiddenError                         forbidden
    ├── NotFoundError                              404
    │   ├── KeyNotFoundError (KeyError)            key_not_found
    │   ├── NamespaceNotFoundError                 namespace_not_found
    │   ├── TokenNotFoundError                     token_not_found
    │   ├── LeaseNotFoundError                     lease_not_found
    │   ├── NothingToClaimError                    nothing_to_claim
    │   ├── VersionNotFoundError                   version_not_found            versions
    │   ├── NotQuarantinedError                    not_quarantined
    │   ├── RollbackNotFoundError                  rollback_not_found
    │   └── PathNotFoundError                      path_not_found
    ├── MethodNotAllowedError                      method_not_allowed           allowed
    ├── ConflictError                              409                          current_version
    │   ├── TargetMissingError (LookupError)       target_missing
    │   ├── WrongTypeError                         wrong_type                   current_type
    │   ├── PatchFailedError                       patch_failed
    │   ├── NumberOutOfRangeError                  number_out_of_range
    │   ├── ImportConflictError                    import_conflict              key, line
    │   ├── EntryQuarantinedError                  entry_quarantined
    │   ├── RollbackRunningError                   rollback_running             job
    │   ├── AlreadyClaimedError                    already_claimed
    │   ├── NamespaceOpenError                     namespace_open
    │   ├── LastAdminTokenError                    last_admin_token
    │   └── LeaseHeldError                         lease_held                   holder, expires_at
    ├── LeaseLostError                             lease_lost
    ├── RevisionTrimmedError                       revision_trimmed             oldest_revision
    ├── PreconditionFailedError                    precondition_failed          current_version
    │   └── TransactionConflictError               ... of a transaction         key
    ├── IdempotencyKeyReusedError                  idempotency_key_reused
    ├── UnsupportedMediaTypeError                  unsupported_media_type
    ├── LimitError                                 413, 429                     limit, used
    │   ├── ValueTooLargeError                     value_too_large
    │   ├── BodyTooLargeError                      body_too_large
    │   ├── BatchTooLargeError                     batch_too_large
    │   ├── LeaseLimitError                        lease_limit
    │   ├── QuarantineLimitError                   quarantine_limit
    │   ├── TokenLimitError                        token_limit
    │   ├── GuessLimitError                        guess_limit
    │   ├── DailyWriteLimitError                   daily_write_limit            resets_at
    │   ├── NamespaceCreationLimitError            namespace_creation_limit
    │   └── StorageLimitError                      storage_limit                needed
    └── ServerError                                5xx                          is_outcome_unknown
        ├── InternalServerError                    internal_error
        ├── DiskFullError                          disk_full
        └── UnavailableError                       502, 503, 504
            ├── DatabaseUnavailableError           database_unavailable
            ├── OutcomeUnknownError                outcome_unknown
            ├── TooManyWaitersError                too_many_waiters             limit
            └── TooManyExportsError                too_many_exports             limit

A refusal of a batch has `operation`, the index of the operation that was refused; one of an import has `line`.
A request that BotWire refused has changed nothing. Where `is_outcome_unknown` is True, a write may have been carried
out. All of these can be pickled and copied with their facts.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any


class BotWireError(Exception):
    """The root: `except BotWireError` catches whatever this library raises on its own account."""

    def __str__(self) -> str:
        # KeyError, which is among the bases of one class below, would show the repr of its message.
        return str(self.args[0]) if self.args else ""


class UnsupportedValueError(BotWireError, TypeError):
    """The value is not JSON, or would not come back as it went in. Nothing was sent."""


class BotWireConnectionError(BotWireError, ConnectionError):
    """No whole answer came from `url`.

    `is_outcome_unknown` is True where a write may have been carried out although its answer was lost.
    """

    def __init__(self, message: str = "", *, method: str = "", url: str = "", is_outcome_unknown: bool = False) -> None:
        super().__init__(message)
        self.method = method
        self.url = url
        self.is_outcome_unknown = is_outcome_unknown


class BotWireTimeoutError(BotWireConnectionError, TimeoutError):
    """No answer came from `url` within the timeout."""


class UnexpectedAnswerError(BotWireError):
    """`url` answered with `status` and something that BotWire does not say: it is probably another server."""

    def __init__(self, message: str = "", *, url: str = "", status: int | None = None) -> None:
        super().__init__(message)
        self.url = url
        self.status = status


class WaitTimeoutError(BotWireError, TimeoutError):
    """What was waited for under `key` did not come in time."""

    def __init__(self, message: str = "", *, key: str = "") -> None:
        super().__init__(message)
        self.key = key


class BotWireAPIError(BotWireError):
    """The request was refused.

    `code` is stable (docs/errors.md). `status` is that of HTTP, None where this library refused before any request.
    `retry_after` is in seconds. `operation` is the index of the operation of a batch that was refused, `line` the
    number of the line of an export that was. A fact that the answer did not carry is None or empty.
    """

    code: str | None = None
    status: int | None
    title: str
    detail: str
    next_step: str
    retry_after: float | None
    operation: int | None = None
    line: int | None = None

    def __init__(
        self,
        message: str = "",
        *,
        code: str | None = None,
        status: int | None = None,
        title: str = "",
        next_step: str = "",
        retry_after: float | None = None,
        **facts: Any,
    ) -> None:
        super().__init__(message)
        self.code = code or type(self).code
        self.status = status
        self.title = title
        self.detail = facts.pop("detail", message)
        self.next_step = next_step
        self.retry_after = retry_after
        vars(self).update(facts)


class InvalidRequestError(BotWireAPIError, ValueError):
    """400: what was asked for can not be; asking again will not help."""

    limit: int | None = None


class InvalidJSONError(InvalidRequestError):
    """The server does not take the body for JSON that every reader can hold."""

    code = "invalid_json"


class InvalidBodyError(InvalidRequestError):
    """The body is JSON, but not what this request asks for."""

    code = "invalid_body"


class JSONTooDeepError(InvalidRequestError):
    """Arrays and objects are nested deeper than `limit` levels."""

    code = "json_too_deep"


class InvalidTTLError(InvalidRequestError):
    """`ttl` is not a number of seconds between 0 and `limit`."""

    code = "invalid_ttl"


class InvalidNamespaceError(InvalidRequestError):
    """Not a namespace's name, which has at most `limit` characters."""

    code = "invalid_namespace"


class InvalidKeyError(InvalidRequestError):
    """Not a key, which has at most `limit` bytes."""

    code = "invalid_key"


class InvalidPrefixError(InvalidRequestError):
    """No key begins like this; a prefix has at most `limit` bytes."""

    code = "invalid_prefix"


class InvalidCursorError(InvalidRequestError):
    """Not a cursor that this list gave."""

    code = "invalid_cursor"


class InvalidRevisionError(InvalidRequestError):
    """The namespace has not reached this revision; `revision` is its last."""

    code = "invalid_revision"
    revision: int | None = None


class InvalidParameterError(InvalidRequestError):
    """The server does not take the query parameter `parameter`."""

    code = "invalid_parameter"
    parameter: str | None = None


class InvalidConditionError(InvalidRequestError):
    """The server does not understand the condition (`if_version`, `if_absent`)."""

    code = "invalid_condition"


class InvalidAgentError(InvalidRequestError):
    """Not a writer's name, which has at most `limit` bytes."""

    code = "invalid_agent"


class InvalidIdempotencyKeyError(InvalidRequestError):
    """Not an Idempotency-Key, which has at most `limit` characters."""

    code = "invalid_idempotency_key"


class InvalidPatchError(InvalidRequestError):
    """Not a JSON Patch (RFC 6902), or not a JSON Merge Patch."""

    code = "invalid_patch"


class InvalidExportError(InvalidRequestError):
    """Not an export, or not a whole one, or one of a format that is not known."""

    code = "invalid_export"


class WriterMismatchError(InvalidRequestError):
    """The token stands for another writer than `agent`."""

    code = "writer_mismatch"


class TokenInURLError(InvalidRequestError):
    """There is a token in the address of the request, where others will see it: revoke or rotate it."""

    code = "token_in_url"


class BadRequestError(InvalidRequestError):
    """The request as a whole can not be understood."""

    code = "bad_request"


class AccessDeniedError(BotWireAPIError):
    """401 or 403: not for you, or not now."""


class InvalidTokenError(AccessDeniedError):
    """Not a token, or none of this namespace, which is open and has none."""

    code = "invalid_token"


class TokenNotAllowedError(AccessDeniedError):
    """The token may not do this: it has the `role`, writes under the prefixes `write`, and reads under `read` too."""

    code = "token_not_allowed"
    role: str | None = None
    read: tuple[str, ...] = ()
    write: tuple[str, ...] = ()


class ClaimCodeRequiredError(AccessDeniedError):
    """The namespace is in use, and this is not its claim code."""

    code = "claim_code_required"


class NamespaceReadOnlyError(AccessDeniedError):
    """An operator allows no writes here, for `reason`, `until` (None: no end is set)."""

    code = "namespace_read_only"
    reason: str | None = None
    until: datetime | None = None


class NamespaceSuspendedError(AccessDeniedError):
    """An operator allows neither reads nor writes here, for `reason`, `until` (None: no end is set)."""

    code = "namespace_suspended"
    reason: str | None = None
    until: datetime | None = None


class ForbiddenError(AccessDeniedError):
    """Not for you."""

    code = "forbidden"


class NotFoundError(BotWireAPIError):
    """404: it is not there. Only the classes below say that BotWire itself said so."""


class KeyNotFoundError(NotFoundError, KeyError):
    """There is no entry under this key."""

    code = "key_not_found"


class NamespaceNotFoundError(NotFoundError):
    """There is no such namespace, or it is private and the token, if any, is none of it."""

    code = "namespace_not_found"


class TokenNotFoundError(NotFoundError):
    """There is no token of this id that yours may manage."""

    code = "token_not_found"


class LeaseNotFoundError(NotFoundError):
    """Nobody holds this lease."""

    code = "lease_not_found"


class NothingToClaimError(NotFoundError):
    """There is no entry under the prefix that nobody holds."""

    code = "nothing_to_claim"


class VersionNotFoundError(NotFoundError):
    """No value of this version is known, or not any more; `versions` are the newest of the key that are."""

    code = "version_not_found"
    versions: tuple[int, ...] = ()


class NotQuarantinedError(NotFoundError):
    """This writer is not in quarantine."""

    code = "not_quarantined"


class RollbackNotFoundError(NotFoundError):
    """No rollback of this namespace has that name."""

    code = "rollback_not_found"


class PathNotFoundError(NotFoundError):
    """The server has no such address; is `base_url` right?"""

    code = "path_not_found"


class MethodNotAllowedError(BotWireAPIError):
    """The address knows only the methods in `allowed`."""

    code = "method_not_allowed"
    allowed: tuple[str, ...] = ()


class ConflictError(BotWireAPIError):
    """409: what is there does not go with what was asked for."""

    current_version: int | None = None


class TargetMissingError(ConflictError, LookupError):
    """There is no entry to change, or nothing in the list to take."""

    code = "target_missing"


class WrongTypeError(ConflictError):
    """The value is of the JSON type `current_type`, which this change is not for."""

    code = "wrong_type"
    current_type: str | None = None


class PatchFailedError(ConflictError):
    """A JSON Patch names a place that is not there."""

    code = "patch_failed"


class NumberOutOfRangeError(ConflictError):
    """The result of an increment can not be stored."""

    code = "number_out_of_range"


class EntryQuarantinedError(ConflictError):
    """The entry's writer is in quarantine, so that nothing can be made of its value; a set takes its place."""

    code = "entry_quarantined"


class RollbackRunningError(ConflictError):
    """Another rollback of this namespace, `job`, is not done yet."""

    code = "rollback_running"
    job: str | None = None


class AlreadyClaimedError(ConflictError):
    """The namespace is private already."""

    code = "already_claimed"


class NamespaceOpenError(ConflictError):
    """The namespace is open, and has no tokens: claim it first."""

    code = "namespace_open"


class LastAdminTokenError(ConflictError):
    """Without this token there would be no admin token that stays good: rotate it instead."""

    code = "last_admin_token"


class LeaseHeldError(ConflictError):
    """`holder` (if it gave itself a name) holds the lease, until `expires_at` unless it is renewed."""

    code = "lease_held"
    holder: str | None = None
    expires_at: datetime | None = None


class ImportConflictError(ConflictError):
    """There is something else under `key`, which an entry to be imported has, too."""

    code = "import_conflict"
    key: str | None = None


class LeaseLostError(BotWireAPIError):
    """The lease has expired or passed on: what was to be done under it was not done."""

    code = "lease_lost"


class RevisionTrimmedError(BotWireAPIError):
    """The change log no longer reaches back so far; it begins with the change of `oldest_revision`."""

    code = "revision_trimmed"
    oldest_revision: int | None = None


class PreconditionFailedError(BotWireAPIError):
    """The entry is not what `if_version` or `if_absent` asked for; `current_version` is None where there is none."""

    code = "precondition_failed"
    current_version: int | None = None


class TransactionConflictError(PreconditionFailedError):
    """Somebody else wrote `key` since the transaction read it. Nothing of the transaction was written."""

    key: str | None = None


class IdempotencyKeyReusedError(BotWireAPIError):
    """The Idempotency-Key has been used for another request."""

    code = "idempotency_key_reused"


class UnsupportedMediaTypeError(BotWireAPIError):
    """The body is not `application/json` in UTF-8."""

    code = "unsupported_media_type"


class LimitError(BotWireAPIError):
    """413, 429 and a full namespace: more than `limit`; `used` is what counts against it."""

    limit: int | None = None
    used: int | None = None


class ValueTooLargeError(LimitError):
    """The value's JSON text has `used` bytes, more than `limit`."""

    code = "value_too_large"


class BodyTooLargeError(LimitError):
    """The request's body has more than `limit` bytes."""

    code = "body_too_large"


class BatchTooLargeError(LimitError):
    """The batch has `used` operations, more than `limit`."""

    code = "batch_too_large"


class LeaseLimitError(LimitError):
    """The namespace has `limit` live leases already."""

    code = "lease_limit"


class QuarantineLimitError(LimitError):
    """The namespace has `limit` writers in quarantine already."""

    code = "quarantine_limit"


class TokenLimitError(LimitError):
    """The namespace has `limit` tokens already."""

    code = "token_limit"


class GuessLimitError(LimitError):
    """Too many wrong tokens or claim codes from one address; the next is looked at after `retry_after` seconds."""

    code = "guess_limit"


class DailyWriteLimitError(LimitError):
    """Today's writes of this namespace are used up; the next are possible at `resets_at`."""

    code = "daily_write_limit"
    resets_at: datetime | None = None


class NamespaceCreationLimitError(LimitError):
    """Too many new namespaces from one address; the next is possible after `retry_after` seconds."""

    code = "namespace_creation_limit"


class StorageLimitError(LimitError):
    """The namespace's storage is used up: `used` of `limit` bytes, and this write needs `needed` more."""

    code = "storage_limit"
    needed: int | None = None


class ServerError(BotWireAPIError):
    """5xx: the trouble is on the other side.

    `is_outcome_unknown` is True where a write may have been carried out: after a fault in the server, where it lost its
    database, or where not BotWire answered but something on the way to it.
    """

    is_outcome_unknown: bool = False


class InternalServerError(ServerError):
    """A fault in the server."""

    code = "internal_error"


class DiskFullError(ServerError):
    """The server's disk is full; reads go on."""

    code = "disk_full"


class UnavailableError(ServerError):
    """502, 503, 504: the server, or a proxy before it, can not answer now."""


class DatabaseUnavailableError(UnavailableError):
    """The server's database can not answer now; try again after `retry_after` seconds."""

    code = "database_unavailable"


class OutcomeUnknownError(UnavailableError):
    """The server lost its database during the write, which has happened whole or not at all: read, then decide."""

    code = "outcome_unknown"


class TooManyWaitersError(UnavailableError):
    """As many requests wait as may, which is `limit`; ask without waiting, or wait again after `retry_after`."""

    code = "too_many_waiters"
    limit: int | None = None


class TooManyExportsError(UnavailableError):
    """The server sends as many exports as may be at a time, which is `limit`; try again after `retry_after`."""

    code = "too_many_exports"
    limit: int | None = None


def _with_code(family: type[BotWireAPIError]) -> Iterator[tuple[str, type[BotWireAPIError]]]:
    for cls in family.__subclasses__():
        if cls.code is not None and "code" in vars(cls):
            yield cls.code, cls
        yield from _with_code(cls)


#: One class for each code of docs/errors.md.
BY_CODE: dict[str, type[BotWireAPIError]] = dict(_with_code(BotWireAPIError))

_BY_STATUS: dict[int, type[BotWireAPIError]] = {
    400: InvalidRequestError,
    401: AccessDeniedError,
    403: AccessDeniedError,
    404: NotFoundError,
    409: ConflictError,
    413: LimitError,
    429: LimitError,
    502: UnavailableError,
    503: UnavailableError,
    504: UnavailableError,
}


def class_for(status: int, code: str | None) -> type[BotWireAPIError]:
    """The class that tells most about a refusal with this status and, where BotWire itself answered, this code."""
    if code in BY_CODE:
        return BY_CODE[code]
    return _BY_STATUS.get(status) or (ServerError if status >= 500 else BotWireAPIError)
