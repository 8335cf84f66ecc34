// Where the server is and how to talk to it: options, environment and defaults, checked when a Memory is made.

import { quoteAgent } from "./names.js";

export const HOSTED = "https://botwire.dev";
const TIMEOUT = 15;
const RETRIES = 3;

/** The checked settings of one Memory: `{ baseUrl, headers, timeout, retries, agent, fetch }`. */
export function settingsOf({ baseUrl, token, agent, timeout = TIMEOUT, retries = RETRIES, fetch } = {}) {
  if (!(Number.isFinite(timeout) && timeout > 0))
    throw new TypeError(`timeout is a number of seconds above 0, not ${timeout}.`);
  if (!(Number.isInteger(retries) && retries >= 0)) throw new TypeError(`retries is 0 (none) or more, not ${retries}.`);
  return {
    baseUrl: checkedUrl(baseUrl ?? environment("BOTWIRE_URL") ?? HOSTED),
    headers: headersOf(token, agent),
    timeout,
    retries,
    agent,
    // Called as a function of the global object, which browsers insist on; looked up late, so that it may be replaced.
    fetch: fetch ?? ((...request) => globalThis.fetch(...request)),
  };
}

/** A variable of the environment that is set and not empty; undefined where there is no environment, as in browsers. */
function environment(name) {
  return globalThis.process?.env?.[name] || undefined;
}

function checkedUrl(text) {
  let url;
  try {
    url = new URL(text);
  } catch {
    throw new TypeError(`baseUrl is like ${HOSTED} or http://localhost:8000, not ${JSON.stringify(String(text))}.`);
  }
  if (!["http:", "https:"].includes(url.protocol))
    throw new TypeError(`baseUrl is of http or https, not ${url.protocol}`);
  if (url.username || url.password || url.search || url.hash) {
    throw new TypeError("baseUrl has no user, password, query or fragment; a token goes into token.");
  }
  return url.href.replace(/\/+$/, "");
}

function headersOf(token, agent) {
  const headers = { Accept: "application/json" };
  if (token !== undefined) headers.Authorization = `Bearer ${checkedToken(token)}`;
  if (agent !== undefined) headers["X-BotWire-Agent"] = quoteAgent(agent);
  return headers;
}

/** Checked here, because a header that can not be sent would be shown in the message of fetch's error. */
function checkedToken(token) {
  if (typeof token !== "string" || !/^[!-~]+$/.test(token)) {
    throw new TypeError("token is not a token: it is no string, is empty, or has characters that no token has.");
  }
  return token;
}
