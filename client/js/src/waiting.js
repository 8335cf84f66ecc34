// Waiting for an entry, following the changes of a namespace, and changing a value by a function of the caller's.

import { KeyNotFoundError, PreconditionFailedError, WaitTimeoutError } from "./errors.js";
import { sleep } from "./exchange.js";
import { encodeValue, isEqual, parseJSON } from "./json.js";
import { versionText } from "./operations.js";
import { now, Patience } from "./patience.js";
import { between } from "./random.js";

// Longer values would not fit into an address; they are compared here alone.
const LONGEST_EQUALS = 1_000;
const FIRST_CONFLICT_PAUSE = 0.01;
const LONGEST_CONFLICT_PAUSE = 1;

/** The value under `key` as soon as it is as awaited; WaitTimeoutError after `timeout` seconds. */
export async function wait(calls, send, key, { timeout = 60, signal, ...awaited }) {
  const { isMet, equals, after } = conditionOf(awaited);
  const patience = new Patience(send, timeout, signal, KeyNotFoundError);
  for (let seen = after; ;) {
    const known = seen;
    const entry = await patience.ask((seconds) => calls.awaitedEntry(key, seconds, { seen: known, equals }));
    if (entry !== null && isMet(entry)) return entry.value;
    if (patience.isOver)
      throw new WaitTimeoutError(`${JSON.stringify(key)} is not as awaited after ${timeout} s.`, { key });
    if (entry !== null) seen = entry.version;
    else if (patience.refusal) seen = undefined;
    if (seen === known || equals) await patience.rest();
    else patience.hadNews();
  }
}

/** What is waited for: an entry that `isMet` accepts; `equals` and `after` say the same to the server. */
function conditionOf({ equals, after, until }) {
  if ([equals, after, until].filter((given) => given !== undefined).length > 1) {
    throw new TypeError("equals, after and until exclude each other; until can look at anything in the value.");
  }
  if (equals !== undefined) {
    const text = encodeValue(equals);
    const value = parseJSON(text);
    return { isMet: (entry) => isEqual(entry.value, value), equals: text.length <= LONGEST_EQUALS ? text : undefined };
  }
  if (after !== undefined) {
    versionText(after); // throws for what is none
    return { isMet: (entry) => entry.version > after, after };
  }
  return { isMet: (entry) => until === undefined || Boolean(until(entry.value)) };
}

/** Read, change, compare-and-set, until nobody wrote in between; PreconditionFailedError after `timeout` seconds. */
export async function update(calls, send, key, change, { default: initial, ttl, timeout = 30, lease, signal }) {
  const endsAt = now() + timeout;
  for (let attempts = 0; ; attempts += 1) {
    const entry = await entryOrNone(calls, send, key, signal);
    const value = await change(entry ? entry.value : structuredClone(initial));
    const condition = entry ? { ifVersion: entry.version } : { ifAbsent: true };
    try {
      await send(calls.set(key, value, { ttl, lease, ...condition }), signal);
      return value;
    } catch (error) {
      const pause = between(0, Math.min(LONGEST_CONFLICT_PAUSE, FIRST_CONFLICT_PAUSE * 2 ** Math.min(attempts, 10)));
      if (!(error instanceof PreconditionFailedError) || now() + pause > endsAt) throw error;
      await sleep(pause, signal);
    }
  }
}

export async function entryOrNone(calls, send, key, signal) {
  try {
    return await send(calls.getEntry(key), signal);
  } catch (error) {
    if (error instanceof KeyNotFoundError) return null;
    throw error;
  }
}

/** The changes of a namespace, one after the other, for `for await`; Memory.watch() makes it. */
export class Watch {
  #calls;
  #send;
  #prefix;
  #timeout;
  #signal;
  #next;
  #given;
  #ready = [];
  #patience;

  constructor(calls, send, prefix, { since, timeout = null, signal } = {}) {
    calls.changes(since, { prefix }); // throws for what can not be asked
    [this.#calls, this.#send, this.#prefix, this.#timeout, this.#signal] = [calls, send, prefix, timeout, signal];
    [this.#next, this.#given] = [since, since];
    this.#patience = new Patience(send, timeout, signal);
  }

  /** The revision up to which all changes were given: what to give as `since` to go on; undefined at first. */
  get revision() {
    return this.#ready.length ? this.#given : this.#next;
  }

  [Symbol.asyncIterator]() {
    return this;
  }

  /** The next change, or the end where none came for `timeout` seconds. */
  async next() {
    await this.#begin();
    this.#patience.restart(this.#timeout);
    while (!this.#ready.length) {
      const page = await this.#fetch();
      if (page.next < page.revision || this.#ready.length) this.#patience.hadNews();
      else if (this.#patience.isOver) return { done: true, value: undefined };
      else await this.#patience.rest();
    }
    const value = this.#ready.shift();
    this.#given = value.revision;
    return { done: false, value };
  }

  /** Fix the revision to begin after, where none was given. */
  async #begin() {
    this.#next ??= (await this.#send(this.#calls.changes(undefined, { prefix: this.#prefix }), this.#signal)).next;
  }

  /** The changes after those that were fetched; a server may skip many that do not concern, with an empty page. */
  async #fetch() {
    const since = this.#next;
    const page = await this.#patience.ask((wait) => this.#calls.changes(since, { prefix: this.#prefix, wait }));
    this.#ready.push(...page.changes.filter((change) => change.revision > since));
    this.#next = Math.max(since, page.next);
    return page;
  }
}
