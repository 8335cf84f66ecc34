/**
 * BotWire: shared, persistent memory for teams of AI agents.
 *
 *     import { Memory } from "botwire";
 *
 *     const memory = new Memory("trading-desk");
 *     await memory.set("tsla_signal", { signal: "buy", confidence: 0.9 });
 *
 * All times are in seconds, as in BotWire's HTTP API.
 */

/** What a memory gives back. An integer that a number can not hold exactly is a bigint. */
export type JSONValue = null | boolean | number | bigint | string | JSONValue[] | { [name: string]: JSONValue };

/**
 * What a memory takes: JSON, with RawJSON for what is to be stored as it is written. (To TypeScript an object of a
 * `type` is one; of an `interface`, which others may add to, it is one only as a copy: `{ ...signal }`.)
 */
export type Storable =
  null | boolean | number | bigint | string | RawJSON | readonly Storable[] | { readonly [name: string]: Storable };

/** JSON text that is to be stored as it stands: `new RawJSON("1e3")` stays `1e3`. */
export class RawJSON {
  constructor(text: string);
  readonly text: string;
}

export interface MemoryOptions {
  /** The server; else the environment's BOTWIRE_URL, else the hosted service. */
  baseUrl?: string;
  /** Sent as a bearer token. */
  token?: string;
  /** The name that is shown as the writer of what is written here. */
  agent?: string;
  /** Seconds for one answer; 15 by default. */
  timeout?: number;
  /** How often a call may be repeated after the first attempt, where that is safe; 3 by default, 0 turns that off. */
  retries?: number;
  /** What to send with instead of the global `fetch`. */
  fetch?: typeof globalThis.fetch;
}

export interface Cancellable {
  /** Ends the call, with the signal's reason. A write that was under way may have happened all the same. */
  signal?: AbortSignal;
}

export interface Fenced {
  /** The write happens only if that lease is still held; else LeaseLostError. */
  lease?: Lease;
}

export interface Expiring {
  /** Seconds after which the entry is gone. */
  ttl?: number;
}

export interface WriteOptions extends Cancellable, Fenced {}

export interface SetOptions extends WriteOptions, Expiring {
  /** Write only if that is the entry's version; else PreconditionFailedError. */
  ifVersion?: number;
  /** Write only if there is no entry; else PreconditionFailedError. */
  ifAbsent?: boolean;
}

export interface WaitOptions<T = JSONValue> extends Cancellable {
  /** Wait for a value that is equal to this one as JSON. */
  equals?: Storable;
  /** Wait for a version greater than this one. */
  after?: number;
  /** Wait for a value of which this is true. */
  until?: (value: T) => unknown;
  /** Seconds until WaitTimeoutError; 60 by default, null: never. */
  timeout?: number | null;
}

export interface WatchOptions extends Cancellable {
  /** The revision after which to begin; without, only what happens from now on is given. */
  since?: number;
  /** Seconds without a change after which the iteration ends; null (the default): never. */
  timeout?: number | null;
}

export interface ListOptions extends Cancellable {
  /** At most so many. */
  limit?: number;
}

export interface LeaseOptions extends Cancellable {
  /** Seconds until the lease passes on, where its holder dies or is cut off; 60 by default. */
  ttl?: number;
  /** Seconds to wait for it; null: as long as it takes. */
  timeout?: number | null;
}

/** Who wrote. `verified` is false where the name is what the writer called itself. */
export interface Writer {
  name: string;
  verified: boolean;
}

/** A key with its value. `version` is the namespace's revision of the last write; `expiresAt` null means never. */
export interface Entry<T = JSONValue> {
  namespace: string;
  key: string;
  value: T;
  version: number;
  writer: Writer | null;
  createdAt: Date;
  updatedAt: Date;
  expiresAt: Date | null;
}

/** What a set did. `created` is true where the key was new; `bytes` is what the entry counts for in storage. */
export interface SetResult {
  namespace: string;
  key: string;
  version: number;
  created: boolean;
  bytes: number;
  createdAt: Date;
  updatedAt: Date;
  expiresAt: Date | null;
}

/** One write as the namespace's log has it. `kind` is "set", "delete" or "expire"; only the first has a `value`. */
export interface Change {
  revision: number;
  kind: string;
  key: string;
  value?: JSONValue;
  writer: Writer | null;
  at: Date;
}

/** A part of the log, in order. `next` is what to give as `since` to go on; `revision` is the namespace's now. */
export interface ChangePage {
  changes: Change[];
  next: number;
  revision: number;
}

/** What a namespace may use: the names say the unit. */
export interface Limits {
  writesPerDay: number;
  bytes: number;
  valueBytes: number;
  keyBytes: number;
  jsonDepth: number;
  keysPerPage: number;
  ttlSeconds: number;
}

/**
 * What a namespace uses, against `limits`. `status` is "active", "read_only" or "suspended", for `reason`, `until`
 * (null: no end is set). `writes` and `reads` are those of the UTC `day` ("2026-01-31"), which ends at `resetsAt`;
 * `reads` is approximate and never limited. `bytes` and `entries` are what is stored.
 */
export interface Usage {
  namespace: string;
  access: string;
  status: string;
  reason: string | null;
  until: Date | null;
  revision: number;
  createdAt: Date;
  lastWriteAt: Date | null;
  limits: Limits;
  day: string;
  writes: number;
  bytes: number;
  entries: number;
  reads: number;
  resetsAt: Date;
}

/**
 * The memory that everyone who knows the name `namespace` shares.
 *
 * Every method throws BotWireConnectionError where no answer comes, a BotWireAPIError where the server refuses,
 * UnexpectedAnswerError where something else than BotWire answers. A key that can not be one throws InvalidKeyError, an
 * argument of a wrong type TypeError, in each case before anything is sent.
 */
export class Memory {
  constructor(namespace: string, options?: MemoryOptions);

  /** The name that this memory is shared under. */
  readonly namespace: string;

  /**
   * Store `value` under `key`, in the place of what was there. Without `ttl` the entry stays, also if it had one
   * before. A value that is not JSON throws UnsupportedValueError before anything is sent.
   */
  set(key: string, value: Storable, options?: SetOptions): Promise<SetResult>;
  /** The value under `key`; `default` (undefined, if none is given) where there is no entry. */
  get<T = JSONValue>(key: string, options?: Cancellable): Promise<T | undefined>;
  get<T = JSONValue, D = T>(key: string, options: Cancellable & { default: D }): Promise<T | D>;
  /** The value under `key` with its version, writer and times; KeyNotFoundError if there is none. */
  getEntry<T = JSONValue>(key: string, options?: Cancellable): Promise<Entry<T>>;
  /** The JSON text of the value under `key` as it was written (`1e3` is "1e3"); undefined where there is no entry. */
  getText(key: string, options?: Cancellable): Promise<string | undefined>;
  /** Delete `key` and tell whether it was there. With `ifVersion` only that version; else PreconditionFailedError. */
  delete(key: string, options?: WriteOptions & { ifVersion?: number }): Promise<boolean>;
  /** Whether there is an entry under `key`; its value is not fetched. */
  exists(key: string, options?: Cancellable): Promise<boolean>;
  /** All keys that begin with `prefix`, in the order of their UTF-8 bytes, fetched page by page. */
  list(prefix?: string, options?: ListOptions): Promise<string[]>;
  /** The same, to iterate over while they are fetched. */
  keys(prefix?: string, options?: ListOptions): AsyncGenerator<string, void, void>;
  /** All keys that begin with `prefix` and their values, page by page while you iterate. */
  items<T = JSONValue>(prefix?: string, options?: ListOptions): AsyncGenerator<[string, T], void, void>;
  /** Delete all entries whose keys begin with `prefix`, as one write, and tell how many there were. */
  clear(prefix?: string, options?: Cancellable): Promise<number>;

  /**
   * Append `value` to the list under `key`, which is made if it is not there; the new length. With `maxLength` only the
   * newest so many stay. Without `ttl` the entry's expiry stays as it is. WrongTypeError where no list is there.
   */
  append(key: string, value: Storable, options?: WriteOptions & Expiring & { maxLength?: number }): Promise<number>;
  /** Take the last value (or the `first`) out of the list under `key`; without one `default`, or TargetMissingError. */
  pop<T = JSONValue, D = T>(key: string, options?: WriteOptions & { first?: boolean; default?: D }): Promise<T | D>;
  /** Take up to `count` values from the end (or the beginning) of that list, in the order they stand. */
  popMany<T = JSONValue>(key: string, count: number, options?: WriteOptions & { first?: boolean }): Promise<T[]>;
  /**
   * Add `by` to the number under `key`; the sum. Where there is none, to `initial` (0; null: TargetMissingError).
   * Integers are exact at any size.
   */
  increment(
    key: string,
    by?: number | bigint,
    options?: WriteOptions & { initial?: number | bigint | null },
  ): Promise<number | bigint>;
  /** Apply a JSON Merge Patch (RFC 7396) to the object under `key`, or to `initial`; what it is then. */
  merge<T = JSONValue>(key: string, patch: Storable, options?: WriteOptions & { initial?: Storable }): Promise<T>;
  /**
   * Apply a JSON Patch (RFC 6902) to the value under `key`; what it is then. A `test` that fails throws
   * PreconditionFailedError, a path that is not there PatchFailedError; nothing is changed then.
   */
  patch<T = JSONValue>(key: string, patch: readonly Storable[], options?: WriteOptions): Promise<T>;
  /**
   * Replace the value under `key` by `change(value)`; the new value. `change` gets `default` (a copy of it) where there
   * is no entry, and is called again where somebody else wrote in between; after `timeout` (30) seconds of that
   * PreconditionFailedError is thrown.
   */
  update<T = JSONValue, S extends Storable = Storable>(
    key: string,
    change: (value: T) => S | Promise<S>,
    options?: WriteOptions & Expiring & { default?: T; timeout?: number },
  ): Promise<S>;

  /**
   * Wait for the entry under `key`; its value. For any value, or for at most one of `equals`, `after` and `until`. A
   * value that is replaced at once may be missed; watch() gives each.
   */
  wait<T = JSONValue>(key: string, options?: WaitOptions<T>): Promise<T>;
  /**
   * Iterate over the changes of keys that begin with `prefix`, as they happen: in order, each once, also after a lost
   * connection and a restart of the server. RevisionTrimmedError where the server's log does not reach back to `since`.
   */
  watch(prefix?: string, options?: WatchOptions): Watch;
  /** Up to `limit` changes after the revision `since`, without waiting for any. */
  changes(since: number, options?: Cancellable & { prefix?: string; limit?: number }): Promise<ChangePage>;

  /** The lease `name`: only one holder can have it at a time. It is not acquired yet: see Lease. */
  lock(name: string, options?: LeaseOptions): Lease;
  /**
   * Take the first entry whose key begins with `prefix` and that nobody else holds; null where there is none within
   * `timeout` (0) seconds. The entry stays where it is until the task is completed.
   */
  claim<T = JSONValue>(prefix: string, options?: LeaseOptions): Promise<Task<T> | null>;

  /**
   * Do `work`; what it notes is written at its end, all or nothing. What it read must then be as it was read: else
   * TransactionConflictError, and nothing is written. An error of `work` is passed on, and nothing is written.
   */
  transaction(work: (transaction: Transaction) => unknown, options?: WriteOptions): Promise<Transaction>;
  /** Store many values in one request: up to 500 entries and 8 MiB all or nothing; more in several requests. */
  setMany(
    entries: { readonly [key: string]: Storable } | Iterable<readonly [string, Storable]>,
    options?: WriteOptions & Expiring,
  ): Promise<void>;
  /** The values under those of `keys` that are there; up to 500 keys and 8 MiB as they were at one moment. */
  getMany<T = JSONValue>(keys: Iterable<string>, options?: Cancellable): Promise<Map<string, T>>;
  /** Delete those of `keys` that are there and tell how many; up to 500 keys all or nothing. */
  deleteMany(keys: Iterable<string>, options?: WriteOptions): Promise<number>;

  /** What the namespace uses against its limits; NamespaceNotFoundError if nothing was ever written. */
  usage(options?: Cancellable): Promise<Usage>;
}

/** The changes of a namespace, one after the other. It holds no connection between them. */
export class Watch implements AsyncIterableIterator<Change> {
  private constructor();
  /** The revision up to which all changes were given: what to give as `since` to go on; undefined at first. */
  readonly revision: number | undefined;
  next(): Promise<IteratorResult<Change, undefined>>;
  [Symbol.asyncIterator](): this;
}

/**
 * A lease, renewed in the background as long as it is held and this object lives.
 *
 *     await memory.lock("deploy", { timeout: 10 }).run(async (lease) => {
 *       await memory.set("deployed", 17, { lease });
 *     });
 *
 * LeaseLostError is thrown by `fencing`, renew() and release(), by a write with `lease`, and at the end of run(), once
 * the lease is lost; never by code that does not ask: look at `isHeld` before each step of long work.
 */
export class Lease {
  private constructor();
  /** What the lease is on. */
  readonly name: string;
  /** The number of this holding: greater than that of any earlier one in the namespace. */
  readonly fencing: number;
  /** Whether nobody else can hold it now, as far as can be known without asking the server. */
  readonly isHeld: boolean;
  /** Acquire it, and renew it from now on; LeaseHeldError where another holds it all the time. */
  acquire(): Promise<this>;
  /** Renew it now, for its whole ttl. */
  renew(): Promise<void>;
  /** Give it back; LeaseLostError where it was lost before. */
  release(): Promise<void>;
  /** Acquire it, do `work`, and release it whatever comes of that; what `work` returned. */
  run<T>(work: (lease: Lease) => T | Promise<T>): Promise<T>;
}

/** An entry that nobody else works on. Where the process dies, it can be claimed again after the ttl. */
export class Task<T = JSONValue> {
  private constructor();
  /** The key of the entry, which is also the name of the lease on it. */
  readonly key: string;
  /** The entry's value when it was claimed. */
  readonly value: T;
  /** The entry's version when it was claimed. */
  readonly version: number;
  /** The lease on the entry. */
  readonly lease: Lease;
  /** Delete the entry and release the lease; LeaseLostError, and nothing is deleted, if the lease was lost. */
  complete(): Promise<void>;
  /** Give the entry back, for anybody to claim. */
  release(): Promise<void>;
  /** Do `work` and complete the task, unless that has settled it; where it throws, release the task. */
  run<R>(work: (task: Task<T>) => R | Promise<R>): Promise<R>;
}

/** What a transaction has read, and what it is to write: only get() asks the server, everything else is noted. */
export class Transaction {
  private constructor();
  /**
   * After the end, what each write did, in order: of a set its version, of a delete whether there was something, of a
   * pop what was taken out, of an append the length, of anything else the new value.
   */
  readonly results: JSONValue[];
  /** The namespace's revision after the transaction; null before its end, and where nothing was to be written. */
  readonly revision: number | null;
  /** The value under `key`, now; at the end it must not have been written by anybody else. */
  get<T = JSONValue>(key: string): Promise<T | undefined>;
  get<T = JSONValue, D = T>(key: string, options: { default: D }): Promise<T | D>;
  set(key: string, value: Storable, options?: Expiring & { ifVersion?: number }): void;
  /** That the key is not there is no error, without `ifVersion`. */
  delete(key: string, options?: { ifVersion?: number }): void;
  append(key: string, value: Storable, options?: Expiring & { maxLength?: number }): void;
  pop(key: string, options?: { count?: number; first?: boolean }): void;
  increment(key: string, by?: number | bigint, options?: { initial?: number | bigint | null }): void;
  merge(key: string, patch: Storable, options?: { initial?: Storable }): void;
  patch(key: string, patch: readonly Storable[]): void;
}

/** The root: whatever this module throws on its own account is one. */
export class BotWireError extends Error {}
/** The value is not JSON, or would not come back as it went in. Nothing was sent. */
export class UnsupportedValueError extends BotWireError {}
/** No whole answer came from `url`; where `isOutcomeUnknown`, a write may have been carried out all the same. */
export class BotWireConnectionError extends BotWireError {
  readonly method: string;
  readonly url: string;
  readonly isOutcomeUnknown: boolean;
}
/** No answer came from `url` within the timeout. */
export class BotWireTimeoutError extends BotWireConnectionError {}
/** `url` answered with `status` and something that BotWire does not say: it is probably another server. */
export class UnexpectedAnswerError extends BotWireError {
  readonly url: string;
  readonly status: number | null;
}
/** What was waited for under `key` did not come in time. */
export class WaitTimeoutError extends BotWireError {
  readonly key: string;
}
/** The request was refused. Facts that the answer did not carry are missing. */
export class BotWireAPIError extends BotWireError {
  /** Stable: docs/errors.md lists them. */
  readonly code: string | null;
  /** That of HTTP; null where this module refused before any request. */
  readonly status: number | null;
  readonly title: string;
  readonly detail: string;
  readonly nextStep: string;
  /** Seconds. */
  readonly retryAfter: number | null;
  /** The index of the operation of a batch that was refused. */
  readonly operation: number | null;
}

/** 400: what was asked for can not be; asking again will not help. */
export class InvalidRequestError extends BotWireAPIError {
  readonly limit?: number;
}
export class InvalidJSONError extends InvalidRequestError {}
export class InvalidBodyError extends InvalidRequestError {}
export class JSONTooDeepError extends InvalidRequestError {}
export class InvalidTTLError extends InvalidRequestError {}
export class InvalidNamespaceError extends InvalidRequestError {}
export class InvalidKeyError extends InvalidRequestError {}
export class InvalidPrefixError extends InvalidRequestError {}
export class InvalidCursorError extends InvalidRequestError {}
export class InvalidRevisionError extends InvalidRequestError {
  readonly revision?: number;
}
export class InvalidParameterError extends InvalidRequestError {
  readonly parameter?: string;
}
export class InvalidConditionError extends InvalidRequestError {}
export class InvalidAgentError extends InvalidRequestError {}
export class InvalidIdempotencyKeyError extends InvalidRequestError {}
export class InvalidPatchError extends InvalidRequestError {}
export class InvalidExportError extends InvalidRequestError {
  readonly line?: number;
}
export class WriterMismatchError extends InvalidRequestError {}
export class TokenInURLError extends InvalidRequestError {}
export class BadRequestError extends InvalidRequestError {}

/** 401 or 403: not for you, or not now. */
export class AccessDeniedError extends BotWireAPIError {
  readonly reason?: string | null;
  readonly until?: Date | null;
}
export class InvalidTokenError extends AccessDeniedError {}
export class TokenNotAllowedError extends AccessDeniedError {
  readonly role?: string;
  readonly read?: string[];
  readonly write?: string[];
}
export class ClaimCodeRequiredError extends AccessDeniedError {}
export class NamespaceReadOnlyError extends AccessDeniedError {}
export class NamespaceSuspendedError extends AccessDeniedError {}
export class ForbiddenError extends AccessDeniedError {}

/** 404: it is not there. Only the classes below say that BotWire itself said so. */
export class NotFoundError extends BotWireAPIError {}
export class KeyNotFoundError extends NotFoundError {}
export class NamespaceNotFoundError extends NotFoundError {}
export class LeaseNotFoundError extends NotFoundError {}
export class NothingToClaimError extends NotFoundError {}
export class TokenNotFoundError extends NotFoundError {}
export class VersionNotFoundError extends NotFoundError {}
export class NotQuarantinedError extends NotFoundError {}
export class RollbackNotFoundError extends NotFoundError {}
export class PathNotFoundError extends NotFoundError {}

export class MethodNotAllowedError extends BotWireAPIError {
  readonly allowed?: string[];
}

/** 409: what is there does not go with what was asked for. */
export class ConflictError extends BotWireAPIError {
  readonly currentVersion?: number | null;
}
export class TargetMissingError extends ConflictError {}
export class WrongTypeError extends ConflictError {
  readonly currentType?: string;
}
export class PatchFailedError extends ConflictError {}
export class NumberOutOfRangeError extends ConflictError {}
export class ImportConflictError extends ConflictError {
  readonly line?: number;
}
export class EntryQuarantinedError extends ConflictError {}
export class RollbackRunningError extends ConflictError {}
export class AlreadyClaimedError extends ConflictError {}
export class NamespaceOpenError extends ConflictError {}
export class LastAdminTokenError extends ConflictError {}
export class LeaseHeldError extends ConflictError {
  readonly holder?: string;
  readonly expiresAt?: Date;
}

export class LeaseLostError extends BotWireAPIError {}
export class RevisionTrimmedError extends BotWireAPIError {
  readonly oldestRevision?: number;
}
/** The entry is not what was asked for; `currentVersion` is null where there is none. */
export class PreconditionFailedError extends BotWireAPIError {
  readonly currentVersion?: number | null;
}
/** Somebody else wrote `key` since the transaction read it. Nothing of the transaction was written. */
export class TransactionConflictError extends PreconditionFailedError {
  readonly key: string | null;
}
export class IdempotencyKeyReusedError extends BotWireAPIError {}
export class UnsupportedMediaTypeError extends BotWireAPIError {}

/** 413, 429 and a full namespace: more than `limit`; `used` is what counts against it. */
export class LimitError extends BotWireAPIError {
  readonly limit?: number;
  readonly used?: number;
}
export class ValueTooLargeError extends LimitError {}
export class BodyTooLargeError extends LimitError {}
export class BatchTooLargeError extends LimitError {}
export class LeaseLimitError extends LimitError {}
export class QuarantineLimitError extends LimitError {}
export class TokenLimitError extends LimitError {}
export class GuessLimitError extends LimitError {}
export class DailyWriteLimitError extends LimitError {
  readonly resetsAt?: Date;
}
export class NamespaceCreationLimitError extends LimitError {}
export class StorageLimitError extends LimitError {
  readonly needed?: number;
}

/** 5xx: where `isOutcomeUnknown`, a write may have been carried out. */
export class ServerError extends BotWireAPIError {
  readonly isOutcomeUnknown: boolean;
}
export class InternalServerError extends ServerError {}
export class DiskFullError extends ServerError {}
/** 502, 503, 504: the server, or a proxy before it, can not answer now. */
export class UnavailableError extends ServerError {}
export class DatabaseUnavailableError extends UnavailableError {}
export class OutcomeUnknownError extends UnavailableError {}
export class TooManyWaitersError extends UnavailableError {
  readonly limit?: number;
}
export class TooManyExportsError extends UnavailableError {
  readonly limit?: number;
}
