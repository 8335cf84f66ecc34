// Many reads and writes in one request: transactions, and whole objects of entries at once.

import { BatchTooLargeError, PreconditionFailedError, TransactionConflictError } from "./errors.js";
import { objectText } from "./json.js";
import * as operations from "./operations.js";
import { entryOrNone } from "./waiting.js";

/** What a server takes in one batch, at least unless its operator lowered it. */
const BATCH_OPERATIONS = 500;
const BATCH_BYTES = 8 * 1024 * 1024;
const AROUND_OPERATIONS = 64;

/**
 * What a transaction has read, and what it is to write; Memory.transaction() makes it. The methods that write only note
 * it; everything is sent as one batch in the end, in this order.
 */
export class Transaction {
  /** After the end, what each write did, in order: of a set its version, of a delete whether there was something, of a
   * pop what was taken out, of an append the length, of anything else the new value. */
  results = [];
  /** The namespace's revision after the transaction; null before its end, and where nothing was to be written. */
  revision = null;
  #calls;
  #send;
  #signal;
  #lease;
  #read = new Map();
  #writes = [];

  constructor(calls, send, { lease, signal } = {}) {
    [this.#calls, this.#send, this.#lease, this.#signal] = [calls, send, lease, signal];
  }

  /** The value under `key`, now; at the end it must not have been written by anybody else. */
  async get(key, { default: missing } = {}) {
    if (this.#writes.some(([written]) => written === key)) {
      throw new Error(`The transaction writes ${JSON.stringify(key)} already: read it before that, or after the end.`);
    }
    if (!this.#read.has(key)) this.#read.set(key, await entryOrNone(this.#calls, this.#send, key, this.#signal));
    const entry = this.#read.get(key);
    return entry ? entry.value : missing;
  }

  set(key, value, { ttl, ifVersion } = {}) {
    this.#note(key, operations.setTo(value, { ttl, ifVersion }));
  }

  delete(key, { ifVersion } = {}) {
    this.#note(key, operations.deletion({ ifVersion }));
  }

  append(key, value, { maxLength, ttl } = {}) {
    this.#note(key, operations.append(value, { maxLength, ttl }));
  }

  pop(key, { count = 1, first = false } = {}) {
    this.#note(key, operations.pop(count, { first }));
  }

  increment(key, by = 1, { initial = 0 } = {}) {
    this.#note(key, operations.increment(by, { initial }));
  }

  merge(key, patch, { initial } = {}) {
    this.#note(key, operations.merge(patch, { initial }));
  }

  patch(key, patch) {
    this.#note(key, operations.patch(patch));
  }

  /** Send it, all or nothing; TransactionConflictError where a key is not as it was read. */
  async commit() {
    if (!this.#writes.length) return;
    const checks = Array.from(this.#read, ([key, entry]) => [key, operations.check(entry ? entry.version : null)]);
    const batch = [...checks, ...this.#writes];
    const call = this.#calls.batch(
      batch.map(([key, operation]) => operations.about(key, operation)),
      { lease: this.#lease },
    );
    try {
      const { revision, results } = await this.#send(call, this.#signal);
      this.revision = revision;
      this.results = results.slice(checks.length).map(resultOf);
    } catch (error) {
      if (!(error instanceof PreconditionFailedError)) throw error;
      const [key] = batch[error.operation] ?? [null];
      throw new TransactionConflictError(error.message, { ...error, key });
    }
  }

  #note(key, operation) {
    operations.about(key, operation); // throws for what can not be a key
    this.#writes.push([key, operation]);
  }
}

export async function setMany(calls, send, entries, { ttl, lease, signal }) {
  const batch = pairsOf(entries).map(([key, value]) => operations.about(key, operations.setTo(value, { ttl })));
  for (const part of parts(batch)) await send(calls.batch(part, { lease }), signal);
}

/** A Map of the values that are there. */
export async function getMany(calls, send, keys, { signal }) {
  const found = new Map();
  for (const part of parts(Array.from(keys, (key) => operations.about(key, operations.get())))) {
    for (const [key, value] of await readMany(calls, send, part, signal)) found.set(key, value);
  }
  return found;
}

/** What is there of the keys that `batch` reads; in two requests where one answer does not hold all of it. */
async function readMany(calls, send, batch, signal) {
  try {
    const { results } = await send(calls.batch(batch), signal);
    return results.filter((row) => row.truth("found")).map((row) => [row.text("key"), row.value("value")]);
  } catch (error) {
    if (!(error instanceof BatchTooLargeError) || batch.length === 1) throw error;
    const half = Math.floor(batch.length / 2);
    const first = await readMany(calls, send, batch.slice(0, half), signal);
    return [...first, ...(await readMany(calls, send, batch.slice(half), signal))];
  }
}

export async function deleteMany(calls, send, keys, { lease, signal }) {
  let deleted = 0;
  for (const part of parts(Array.from(keys, (key) => operations.about(key, operations.deletion())))) {
    const { results } = await send(calls.batch(part, { lease }), signal);
    deleted += results.filter((row) => row.truth("deleted")).length;
  }
  return deleted;
}

/** Objects sort their keys that look like numbers; a Map, or pairs, keep any order. */
function pairsOf(entries) {
  return Symbol.iterator in entries ? [...entries] : Object.entries(entries);
}

/** As few parts as the server takes; one, if it takes all at once. */
function* parts(batch) {
  let [part, size] = [[], AROUND_OPERATIONS];
  for (const operation of batch) {
    const length = new TextEncoder().encode(objectText(operation)).length + 1;
    if (part.length && (part.length === BATCH_OPERATIONS || size + length > BATCH_BYTES)) {
      yield part;
      [part, size] = [[], AROUND_OPERATIONS];
    }
    part.push(operation);
    size += length;
  }
  if (part.length) yield part;
}

function resultOf(row) {
  const name = ["popped", "deleted", "length", "value"].find((member) => row.has(member));
  return name ? row.value(name) : row.integer("version");
}
