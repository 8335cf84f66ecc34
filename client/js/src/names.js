// What may be called what, as far as it must be known before a request. The server has the last word.

import { InvalidAgentError, InvalidKeyError, InvalidNamespaceError, InvalidPrefixError } from "./errors.js";
import { isUnicode, shown } from "./json.js";

const NAMESPACE_LENGTH = 64;
const KEY_BYTES = 512;
const NAMESPACE = /^[A-Za-z0-9][A-Za-z0-9_\-.:@+]{0,63}$/;
const CONTROL = /[\x00-\x1f\x7f-\x9f]/;
const DOT_SEGMENT = /(?:^|\/)\.\.?(?:\/|$)/;

/** Return `name`; throw InvalidNamespaceError unless a namespace may be called so. */
export function checkNamespace(name) {
  if (!NAMESPACE.test(text(name, "A namespace's name"))) {
    throw new InvalidNamespaceError(
      `${shown(name)} is not a namespace's name: 1 to ${NAMESPACE_LENGTH} characters out of ` +
        "A-Z a-z 0-9 _ - . : @ +, the first a letter or a digit.",
      { limit: NAMESPACE_LENGTH },
    );
  }
  return name;
}

/** Return `key`; throw InvalidKeyError for what the server would refuse or a browser would rewrite. */
export function checkKey(key) {
  let reason = trouble(text(key, "A key"));
  if (!key) reason = "it is empty";
  else if (DOT_SEGMENT.test(key)) reason = "'.' and '..' can not be whole path segments";
  if (reason) throw new InvalidKeyError(`${shown(key)} can not be a key: ${reason}.`, { limit: KEY_BYTES });
  return key;
}

/** Return `prefix`; throw InvalidPrefixError if no key can begin so. */
export function checkPrefix(prefix) {
  const reason = trouble(text(prefix, "A prefix"));
  if (reason) throw new InvalidPrefixError(`${shown(prefix)} can not begin a key: ${reason}.`, { limit: KEY_BYTES });
  return prefix;
}

/** A writer's name for the header: readable where it is ASCII, else percent-encoded UTF-8. */
export function quoteAgent(agent) {
  if (!text(agent, "An agent's name") || !isUnicode(agent)) {
    throw new InvalidAgentError(`${shown(agent)} can not be an agent's name: it is empty, or no Unicode text.`);
  }
  // HTTP drops white space at the ends of a header, so a name with some there has all its spaces encoded.
  const readable = agent === agent.trim() ? /[ -$&-~]/ : /[!-$&-~]/;
  return Array.from(agent, (letter) => (readable.test(letter) ? letter : encodeURIComponent(letter))).join("");
}

function text(given, what) {
  if (typeof given !== "string") throw new TypeError(`${what} is a string, not ${typeof given}.`);
  return given;
}

/** Why `name` can be neither a key nor the beginning of one, or undefined. */
function trouble(name) {
  if (!isUnicode(name)) return "it has a lone surrogate, which is no Unicode text";
  if (CONTROL.test(name)) return "it has control characters";
  const size = new TextEncoder().encode(name).length;
  return size > KEY_BYTES ? `it has ${size} bytes of UTF-8, more than ${KEY_BYTES}` : undefined;
}
