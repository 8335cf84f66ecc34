// Every request of the HTTP API and what its answer means. Nothing here sends anything; `exchange.js` does.
//
// A call is `{ method, url, read, headers, body, wait, unchanged, isHarmless }`: `read` makes its result of the text
// and the status of an answer of 2xx; `wait` is for how many seconds the server may hold the answer; `unchanged` makes
// the result of a 304; `isHarmless` tells that a write may be repeated although it carries no Idempotency-Key.
//
// A write carries that key, so that it may be repeated after a lost answer; but not the set and the delete without
// condition: the key would cost each of them a row in the server's database and the fast way through it.

import * as answers from "./answers.js";
import { IDEMPOTENCY_KEY } from "./exchange.js";
import { encodeValue, objectText } from "./json.js";
import { checkKey, checkPrefix } from "./names.js";
import { batchText, ttlText, versionText } from "./operations.js";
import { randomHex } from "./random.js";

const JSON_BODY = { "Content-Type": "application/json" };
const MINIMAL = { Prefer: "return=minimal" };

/** The requests about one namespace of the server at `baseUrl`. Arguments are checked here, before any is sent. */
export class Calls {
  #memory;
  #namespace;

  constructor(baseUrl, namespace) {
    this.#memory = `${baseUrl}/memory/${namespace}`;
    this.#namespace = `${baseUrl}/namespaces/${namespace}`;
  }

  // --- entries

  set(key, value, { ttl, ifVersion, ifAbsent, lease } = {}) {
    const condition = { ...conditionOf(ifVersion, ifAbsent), ...fenceOf(lease) };
    const body = objectText({ value: encodeValue(value), ttl: ttlText(ttl) });
    return {
      method: "PUT",
      url: this.#entry(key),
      read: answers.readSetResult,
      headers: { ...JSON_BODY, ...onceIf(condition) },
      body,
    };
  }

  getEntry(key) {
    return { method: "GET", url: this.#entry(key), read: answers.readEntry };
  }

  getText(key) {
    return { method: "GET", url: this.#entry(key), read: answers.readValueText };
  }

  /** The entry, held back by the server until it is worth an answer; null where it is still the version `seen`. */
  awaitedEntry(key, wait, { seen, equals }) {
    const url = this.#entry(key) + query({ wait: wait || undefined, equals: wait ? equals : undefined });
    const headers = seen === undefined || (equals && wait) ? {} : { "If-None-Match": `"${seen}"` };
    return { method: "GET", url, read: answers.readEntry, headers, wait, unchanged: () => null };
  }

  delete(key, { ifVersion, lease } = {}) {
    const condition = { ...conditionOf(ifVersion), ...fenceOf(lease) };
    return { method: "DELETE", url: this.#entry(key), read: answers.readDeleted, headers: onceIf(condition) };
  }

  /** A PATCH; where `isBrief`, the answer leaves out the value as it is now. */
  change(key, operation, { lease, isBrief = false } = {}) {
    const headers = { ...JSON_BODY, ...(isBrief ? MINIMAL : {}), ...fenceOf(lease), ...once() };
    const read = isBrief ? answers.readBriefChange : answers.readChanged;
    return { method: "PATCH", url: this.#entry(key), read, headers, body: objectText(operation) };
  }

  /** Ask for the first of the keys that begin with `key`: it is `key` itself, if that exists. No value travels. */
  exists(key) {
    const url = this.#list(checkKey(key), { limit: 1 });
    return { method: "GET", url, read: (text) => answers.readKeys(text).items.includes(key) };
  }

  keys(prefix, options = {}) {
    return { method: "GET", url: this.#list(prefix, options), read: answers.readKeys };
  }

  items(prefix, options = {}) {
    return { method: "GET", url: this.#list(prefix, { ...options, include: "values" }), read: answers.readItems };
  }

  clear(prefix) {
    return { method: "DELETE", url: this.#list(prefix), read: answers.readCount };
  }

  // --- the namespace

  usage() {
    return { method: "GET", url: this.#namespace, read: answers.readUsage };
  }

  /** All of `batch` or nothing; one that only reads may be repeated as it is. */
  batch(batch, { lease } = {}) {
    const isHarmless = batch.every(({ op }) => op === '"get"' || op === '"check"');
    const headers = { ...JSON_BODY, ...fenceOf(lease), ...(isHarmless ? {} : once()) };
    return {
      method: "POST",
      url: `${this.#namespace}/batch`,
      read: answers.readBatch,
      headers,
      body: batchText(batch),
      isHarmless,
    };
  }

  changes(since, { prefix = "", limit, wait } = {}) {
    const parameters = { since, prefix: checkPrefix(prefix), limit, wait: wait || undefined };
    const url = `${this.#namespace}/changes${query(parameters)}`;
    return { method: "GET", url, read: answers.readChangePage, wait };
  }

  // --- leases

  acquire(name, ttl, holder, wait) {
    const url = this.#lease(name) + query({ wait: wait || undefined });
    return {
      method: "POST",
      url,
      read: answers.readGrant,
      headers: { ...JSON_BODY, ...once() },
      body: leaseBody(ttl, { holder }),
      wait,
    };
  }

  renew(name, fencing, ttl) {
    const body = leaseBody(ttl, { fencing });
    return {
      method: "PUT",
      url: this.#lease(name),
      read: answers.readGrant,
      headers: JSON_BODY,
      body,
      isHarmless: true,
    };
  }

  release(name, fencing) {
    return {
      method: "DELETE",
      url: `${this.#lease(name)}?fencing=${fencing}`,
      read: answers.readReleased,
      headers: once(),
    };
  }

  claim(prefix, ttl, holder, wait) {
    const body = leaseBody(ttl, { prefix: checkPrefix(prefix), holder });
    const url = `${this.#namespace}/claims${query({ wait: wait || undefined })}`;
    return { method: "POST", url, read: answers.readClaimed, headers: { ...JSON_BODY, ...once() }, body, wait };
  }

  #entry(key) {
    return `${this.#memory}/${encodeURIComponent(checkKey(key))}`;
  }

  #lease(name) {
    return `${this.#namespace}/leases/${encodeURIComponent(checkKey(name))}`;
  }

  #list(prefix, { cursor, limit, include } = {}) {
    return this.#memory + query({ prefix: checkPrefix(prefix), cursor, limit, include });
  }
}

function query(parameters) {
  const given = Object.entries(parameters).filter(([, value]) => value !== undefined && value !== "");
  const text = given.map(([name, value]) => `${name}=${encodeURIComponent(value)}`).join("&");
  return text && `?${text}`;
}

function leaseBody(ttl, members) {
  const texts = Object.entries(members).map(([name, member]) => [
    name,
    member === undefined ? undefined : encodeValue(member),
  ]);
  return objectText({ ttl: ttlText(ttl), ...Object.fromEntries(texts) });
}

function conditionOf(ifVersion, ifAbsent = false) {
  if (ifVersion === undefined) return ifAbsent ? { "If-None-Match": "*" } : {};
  if (ifAbsent) throw new TypeError("ifVersion and ifAbsent exclude each other: an absent key has no version.");
  return { "If-Match": `"${versionText(ifVersion)}"` };
}

function fenceOf(lease) {
  return lease === undefined ? {} : { "X-BotWire-Lease": `${encodeURIComponent(lease.name)}=${lease.fencing}` };
}

/** The header that makes a write repeatable: the server does it once, however often it comes with this key. */
function once() {
  return { [IDEMPOTENCY_KEY]: randomHex() };
}

function onceIf(condition) {
  return Object.keys(condition).length ? { ...condition, ...once() } : condition;
}
