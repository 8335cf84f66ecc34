// Changes of one entry as the API writes them: the body of a PATCH, or one operation of a batch. Nothing is sent.
//
// An operation is an object whose members are JSON texts.

import { InvalidTTLError } from "./errors.js";
import { encodeValue, objectText } from "./json.js";
import { checkKey } from "./names.js";

// Above what any server takes.
const BEYOND_ANY_TTL = 1e15;

/** The operation of a batch that does to `key` what `operation` says. */
export function about(key, operation) {
  return { op: operation.op, key: encodeValue(checkKey(key)), ...operation };
}

export function batchText(operations) {
  return `{"operations":[${operations.map(objectText).join(",")}]}`;
}

export function setTo(value, { ttl, ifVersion, ifAbsent } = {}) {
  return {
    op: '"set"',
    value: encodeValue(value),
    ttl: ttlText(ttl),
    if_version: versionText(ifVersion),
    if_absent: ifAbsent ? "true" : undefined,
  };
}

export function get() {
  return { op: '"get"' };
}

export function deletion({ ifVersion } = {}) {
  return { op: '"delete"', if_version: versionText(ifVersion) };
}

/** `version` null: that there is none. */
export function check(version) {
  return { op: '"check"', version: String(version) };
}

export function append(value, { maxLength, ttl } = {}) {
  return {
    op: '"append"',
    value: encodeValue(value),
    max_length: countText(maxLength, "maxLength"),
    ttl: ttlText(ttl),
  };
}

export function pop(count, { first = false } = {}) {
  return { op: '"pop"', count: countText(count, "count"), from: first ? '"first"' : '"last"' };
}

export function increment(by, { initial = 0 } = {}) {
  return {
    op: '"increment"',
    by: numberText(by, "by"),
    initial: initial === null ? undefined : numberText(initial, "initial"),
  };
}

export function merge(patch, { initial } = {}) {
  return {
    op: '"merge"',
    patch: encodeValue(patch),
    initial: initial === undefined ? undefined : encodeValue(initial),
  };
}

export function patch(operations) {
  if (!Array.isArray(operations))
    throw new TypeError(`A JSON Patch is an array of operations, not ${typeof operations}.`);
  return { op: '"patch"', patch: encodeValue(operations) };
}

/** A time to live as JSON; undefined where there is none. */
export function ttlText(ttl) {
  if (ttl === undefined || ttl === null) return undefined;
  if (typeof ttl !== "number") throw new TypeError(`ttl is a number of seconds, not ${typeof ttl}.`);
  if (!(Math.abs(ttl) < BEYOND_ANY_TTL)) {
    throw new InvalidTTLError(
      `ttl is a number of seconds, below ${BEYOND_ANY_TTL}; leave it out for an entry that stays.`,
    );
  }
  return String(ttl);
}

export function versionText(version) {
  return version === undefined ? undefined : countText(version, "ifVersion");
}

function countText(count, name) {
  if (count === undefined) return undefined;
  if (!Number.isSafeInteger(count)) throw new TypeError(`${name} is an integer, not ${String(count)}.`);
  return String(count);
}

function numberText(number, name) {
  if (!["number", "bigint"].includes(typeof number))
    throw new TypeError(`${name} is a number or a BigInt, not ${typeof number}.`);
  return encodeValue(number);
}
