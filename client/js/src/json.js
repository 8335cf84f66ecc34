// JSON text and JavaScript's values, with nothing lost that JavaScript can hold. It knows no request and no answer.

import { JSONTooDeepError, UnsupportedValueError } from "./errors.js";
import { randomHex } from "./random.js";

const LONE_SURROGATE = /\p{Surrogate}/u;
const STRING = String.raw`"[^"\\]*(?:\\.[^"\\]*)*"`;
const STRING_OR_NUMBER = new RegExp(String.raw`${STRING}|-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?`, "g");
const STRING_OR_BRACKET = new RegExp(String.raw`${STRING}|[[\]{},]`, "g");
const LONG_INTEGER = /^-?\d{16,}$/;

/** JSON text that is to be stored as it stands, wherever a value is asked for: `new RawJSON("1e3")` stays `1e3`. */
export class RawJSON {
  constructor(text) {
    if (!isJSON(text)) throw new UnsupportedValueError(`${shown(text)} is not JSON text.`);
    this.text = text;
    Object.freeze(this);
  }
}

/**
 * The JSON text of `value`, compact. Taken are null, booleans, finite numbers, BigInts, strings, arrays, plain objects
 * and RawJSON; anything else (undefined, dates, maps, instances of classes) would come back as something else, and
 * throws UnsupportedValueError, as do NaN, infinity, lone surrogates and circles.
 */
export function encodeValue(value) {
  try {
    return textOf(value, []);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new JSONTooDeepError("This value is nested too deep; store its parts under keys of their own.");
  }
}

/** The JSON text of an object whose members are JSON texts already; those that are undefined are left out. */
export function objectText(members) {
  const given = Object.entries(members).filter(([, text]) => text !== undefined);
  return `{${given.map(([name, text]) => `${JSON.stringify(name)}:${text}`).join(",")}}`;
}

/**
 * What JSON text says. An integer that a number can not hold exactly comes as a BigInt, at any depth; every other
 * number is the nearest that JavaScript has.
 */
export function parseJSON(text) {
  if (!/\d{16}/.test(text)) return JSON.parse(text);
  // Drawn after the text was written, so that no string in it can pass for one.
  const mark = `${randomHex()}:`;
  const marked = text.replace(STRING_OR_NUMBER, (token) => (isBeyondNumbers(token) ? `"${mark}${token}"` : token));
  return JSON.parse(marked, (_, value) =>
    typeof value === "string" && value.startsWith(mark) ? BigInt(value.slice(mark.length)) : value,
  );
}

/** The text of the member `name` of the JSON object `text`, as it stands there; undefined where it has none. */
export function memberText(text, name) {
  let [depth, isNameNext, start] = [0, false, -1];
  for (const { 0: piece, index } of text.matchAll(STRING_OR_BRACKET)) {
    const isBetween = depth === 1 && (piece === "," || piece === "}");
    if (isBetween && start >= 0) return text.slice(start, index).trim();
    if (piece === "{" || piece === "[") depth += 1;
    else if (piece === "}" || piece === "]") depth -= 1;
    else if (piece !== "," && isNameNext && JSON.parse(piece) === name) {
      start = text.indexOf(":", index + piece.length) + 1;
    }
    isNameNext = depth === 1 && (piece === "{" || piece === ",");
  }
  return undefined;
}

/** Whether `text` is text that UTF-8 can write. */
export function isUnicode(text) {
  return !LONE_SURROGATE.test(text);
}

/** Equality of JSON values (RFC 6902 section 4.6): numbers by their value, objects without regard to order. */
export function isEqual(one, other) {
  if (isNumber(one) && isNumber(other)) return one == other; // not ===, by which 1n is not 1
  if (typeof one !== "object" || typeof other !== "object" || !one || !other) return one === other;
  if (Array.isArray(one) !== Array.isArray(other)) return false;
  const names = Object.keys(one);
  return (
    names.length === Object.keys(other).length &&
    names.every((name) => Object.hasOwn(other, name) && isEqual(one[name], other[name]))
  );
}

/** `value` for a message, not too long. */
export function shown(value) {
  const text = typeof value === "string" ? value : String(value);
  return JSON.stringify(text.length <= 80 ? text : `${text.slice(0, 80)}...`);
}

/** `around` are the containers around `value` with the step into each, outermost first: [[container, step], ...]. */
function textOf(value, around) {
  switch (typeof value) {
    case "string":
      return stringText(value, around);
    case "number":
      return numberText(value, around);
    case "bigint":
      return String(value);
    case "boolean":
      return String(value);
    case "object":
      return value === null ? "null" : containerText(value, around);
    default:
      throw refusal(around, `is of type ${typeof value}`);
  }
}

function stringText(text, around) {
  if (!isUnicode(text)) throw refusal(around, "has a lone surrogate, which is no Unicode text");
  return JSON.stringify(text);
}

/** A number that may not be exact as an integer is written with an exponent, so that it comes back as it was. */
function numberText(number, around) {
  if (!Number.isFinite(number)) throw refusal(around, `is ${number}`);
  if (Object.is(number, -0)) return "-0";
  return Number.isInteger(number) && !Number.isSafeInteger(number) ? number.toExponential() : String(number);
}

function containerText(container, around) {
  if (container instanceof RawJSON) return container.text;
  if (around.some(([outer]) => outer === container)) throw refusal(around, "is in itself");
  if (Array.isArray(container)) {
    return `[${Array.from(container, (_, index) => memberOf(container, index, around)).join(",")}]`;
  }
  if (!isPlain(container)) throw refusal(around, `is of type ${container.constructor?.name ?? "object"}`);
  const members = Object.keys(container).map(
    (name) => `${stringText(name, around)}:${memberOf(container, name, around)}`,
  );
  return `{${members.join(",")}}`;
}

function memberOf(container, step, around) {
  around.push([container, step]);
  const text = textOf(container[step], around);
  around.pop();
  return text;
}

function isPlain(container) {
  const prototype = Object.getPrototypeOf(container);
  // Of another realm (a frame, a vm) the prototype is another Object.prototype, which has none itself.
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

function refusal(around, what) {
  const path = around.map(([, step]) => `[${JSON.stringify(step)}]`).join("");
  return new UnsupportedValueError(`A memory holds JSON, and value${path} ${what}.`);
}

function isJSON(text) {
  if (typeof text !== "string" || !isUnicode(text)) return false;
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

function isBeyondNumbers(token) {
  return LONG_INTEGER.test(token) && !Number.isSafeInteger(Number(token));
}

function isNumber(value) {
  return typeof value === "number" || typeof value === "bigint";
}
