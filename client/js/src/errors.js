// Everything that `botwire` throws on its own account. Which answer becomes which of these is decided in `problems.js`.
//
// BotWireError
// ├── UnsupportedValueError              not a JSON value; nothing was sent
// ├── BotWireConnectionError             no answer              method, url, isOutcomeUnknown
// │   └── BotWireTimeoutError            ... in time
// ├── UnexpectedAnswerError              an answer, but not BotWire's            url, status
// ├── WaitTimeoutError                   what was waited for did not come        key
// └── BotWireAPIError                    refused        code, status, title, detail, nextStep, retryAfter
//     ├── InvalidRequestError            400
//     ├── AccessDeniedError              401, 403
//     ├── NotFoundError                  404
//     ├── MethodNotAllowedError          405
//     ├── ConflictError                  409
//     ├── LeaseLostError, RevisionTrimmedError, PreconditionFailedError, IdempotencyKeyReusedError,
//     │   UnsupportedMediaTypeError
//     ├── LimitError                     413, 429, a full namespace              limit, used
//     └── ServerError                    5xx                                     isOutcomeUnknown
//         └── UnavailableError           502, 503, 504
//
// Below these there is one class for each code of docs/errors.md, of the same name as in Python. A request that BotWire
// refused has changed nothing. Where `isOutcomeUnknown` is true, a write may have been carried out.

/** The root: whatever this module throws on its own account is one. */
export class BotWireError extends Error {
  get name() {
    return this.constructor.name;
  }
}

/** The value is not JSON, or would not come back as it went in. Nothing was sent. */
export class UnsupportedValueError extends BotWireError {}

/** No whole answer came from `url`; where `isOutcomeUnknown`, a write may have been carried out all the same. */
export class BotWireConnectionError extends BotWireError {
  constructor(message, { method = "", url = "", isOutcomeUnknown = false, cause } = {}) {
    super(message, { cause });
    Object.assign(this, { method, url, isOutcomeUnknown });
  }
}

/** No answer came from `url` within the timeout. */
export class BotWireTimeoutError extends BotWireConnectionError {}

/** `url` answered with `status` and something that BotWire does not say: it is probably another server. */
export class UnexpectedAnswerError extends BotWireError {
  constructor(message, { url = "", status = null, cause } = {}) {
    super(message, { cause });
    Object.assign(this, { url, status });
  }
}

/** What was waited for under `key` did not come in time. */
export class WaitTimeoutError extends BotWireError {
  constructor(message, { key = "" } = {}) {
    super(message);
    this.key = key;
  }
}

/**
 * The request was refused. `code` is stable (docs/errors.md). `status` is that of HTTP, null where this module refused
 * before any request. `retryAfter` is in seconds, `operation` the index of the operation of a batch that was refused.
 */
export class BotWireAPIError extends BotWireError {
  static code = null;

  constructor(message, { code, ...facts } = {}) {
    super(message);
    const unknown = { status: null, title: "", detail: message, nextStep: "", retryAfter: null, operation: null };
    Object.assign(this, unknown, facts, { code: code ?? new.target.code });
  }
}

/** 400: what was asked for can not be; asking again will not help. */
export class InvalidRequestError extends BotWireAPIError {}
export class InvalidJSONError extends InvalidRequestError { static code = "invalid_json"; }
export class InvalidBodyError extends InvalidRequestError { static code = "invalid_body"; }
export class JSONTooDeepError extends InvalidRequestError { static code = "json_too_deep"; }
export class InvalidTTLError extends InvalidRequestError { static code = "invalid_ttl"; }
export class InvalidNamespaceError extends InvalidRequestError { static code = "invalid_namespace"; }
export class InvalidKeyError extends InvalidRequestError { static code = "invalid_key"; }
export class InvalidPrefixError extends InvalidRequestError { static code = "invalid_prefix"; }
export class InvalidCursorError extends InvalidRequestError { static code = "invalid_cursor"; }
export class InvalidRevisionError extends InvalidRequestError { static code = "invalid_revision"; }
export class InvalidParameterError extends InvalidRequestError { static code = "invalid_parameter"; }
export class InvalidConditionError extends InvalidRequestError { static code = "invalid_condition"; }
export class InvalidAgentError extends InvalidRequestError { static code = "invalid_agent"; }
export class InvalidIdempotencyKeyError extends InvalidRequestError { static code = "invalid_idempotency_key"; }
export class InvalidPatchError extends InvalidRequestError { static code = "invalid_patch"; }
export class InvalidExportError extends InvalidRequestError { static code = "invalid_export"; }
export class WriterMismatchError extends InvalidRequestError { static code = "writer_mismatch"; }
export class TokenInURLError extends InvalidRequestError { static code = "token_in_url"; }
export class BadRequestError extends InvalidRequestError { static code = "bad_request"; }

/** 401 or 403: not for you, or not now. */
export class AccessDeniedError extends BotWireAPIError {}
export class InvalidTokenError extends AccessDeniedError { static code = "invalid_token"; }
export class TokenNotAllowedError extends AccessDeniedError { static code = "token_not_allowed"; }
export class ClaimCodeRequiredError extends AccessDeniedError { static code = "claim_code_required"; }
export class NamespaceReadOnlyError extends AccessDeniedError { static code = "namespace_read_only"; }
export class NamespaceSuspendedError extends AccessDeniedError { static code = "namespace_suspended"; }
export class ForbiddenError extends AccessDeniedError { static code = "forbidden"; }

/** 404: it is not there. Only the classes below say that BotWire itself said so. */
export class NotFoundError extends BotWireAPIError {}
export class KeyNotFoundError extends NotFoundError { static code = "key_not_found"; }
export class NamespaceNotFoundError extends NotFoundError { static code = "namespace_not_found"; }
export class LeaseNotFoundError extends NotFoundError { static code = "lease_not_found"; }
export class NothingToClaimError extends NotFoundError { static code = "nothing_to_claim"; }
export class TokenNotFoundError extends NotFoundError { static code = "token_not_found"; }
export class VersionNotFoundError extends NotFoundError { static code = "version_not_found"; }
export class NotQuarantinedError extends NotFoundError { static code = "not_quarantined"; }
export class RollbackNotFoundError extends NotFoundError { static code = "rollback_not_found"; }
export class PathNotFoundError extends NotFoundError { static code = "path_not_found"; }

export class MethodNotAllowedError extends BotWireAPIError { static code = "method_not_allowed"; }

/** 409: what is there does not go with what was asked for. */
export class ConflictError extends BotWireAPIError {}
export class TargetMissingError extends ConflictError { static code = "target_missing"; }
export class WrongTypeError extends ConflictError { static code = "wrong_type"; }
export class PatchFailedError extends ConflictError { static code = "patch_failed"; }
export class NumberOutOfRangeError extends ConflictError { static code = "number_out_of_range"; }
export class ImportConflictError extends ConflictError { static code = "import_conflict"; }
export class EntryQuarantinedError extends ConflictError { static code = "entry_quarantined"; }
export class RollbackRunningError extends ConflictError { static code = "rollback_running"; }
export class AlreadyClaimedError extends ConflictError { static code = "already_claimed"; }
export class NamespaceOpenError extends ConflictError { static code = "namespace_open"; }
export class LastAdminTokenError extends ConflictError { static code = "last_admin_token"; }
export class LeaseHeldError extends ConflictError { static code = "lease_held"; }

export class LeaseLostError extends BotWireAPIError { static code = "lease_lost"; }
export class RevisionTrimmedError extends BotWireAPIError { static code = "revision_trimmed"; }

/** The entry is not what was asked for; `currentVersion` is null where there is none. */
export class PreconditionFailedError extends BotWireAPIError { static code = "precondition_failed"; }
/** Somebody else wrote `key` since the transaction read it. Nothing of the transaction was written. */
export class TransactionConflictError extends PreconditionFailedError {}

export class IdempotencyKeyReusedError extends BotWireAPIError { static code = "idempotency_key_reused"; }
export class UnsupportedMediaTypeError extends BotWireAPIError { static code = "unsupported_media_type"; }

/** 413, 429 and a full namespace: more than `limit`; `used` is what counts against it. */
export class LimitError extends BotWireAPIError {}
export class ValueTooLargeError extends LimitError { static code = "value_too_large"; }
export class BodyTooLargeError extends LimitError { static code = "body_too_large"; }
export class BatchTooLargeError extends LimitError { static code = "batch_too_large"; }
export class LeaseLimitError extends LimitError { static code = "lease_limit"; }
export class QuarantineLimitError extends LimitError { static code = "quarantine_limit"; }
export class TokenLimitError extends LimitError { static code = "token_limit"; }
export class GuessLimitError extends LimitError { static code = "guess_limit"; }
export class DailyWriteLimitError extends LimitError { static code = "daily_write_limit"; }
export class NamespaceCreationLimitError extends LimitError { static code = "namespace_creation_limit"; }
export class StorageLimitError extends LimitError { static code = "storage_limit"; }

/** 5xx: where `isOutcomeUnknown`, a write may have been carried out. */
export class ServerError extends BotWireAPIError {
  constructor(message, facts = {}) {
    super(message, { isOutcomeUnknown: false, ...facts });
  }
}
export class InternalServerError extends ServerError { static code = "internal_error"; }
export class DiskFullError extends ServerError { static code = "disk_full"; }

/** 502, 503, 504: the server, or a proxy before it, can not answer now. */
export class UnavailableError extends ServerError {}
export class DatabaseUnavailableError extends UnavailableError { static code = "database_unavailable"; }
export class OutcomeUnknownError extends UnavailableError { static code = "outcome_unknown"; }
export class TooManyWaitersError extends UnavailableError { static code = "too_many_waiters"; }
export class TooManyExportsError extends UnavailableError { static code = "too_many_exports"; }
