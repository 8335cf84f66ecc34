// What went wrong, as errors: answers that are not 2xx, answers that are not BotWire's, and no answer at all.
// Whether to try again is decided in `exchange.js`.
//
// An outcome is either an answer, `{ url, status, headers, text }`, or `{ trouble, isTimeout }` where none came.

import * as errors from "./errors.js";

const NOTHING_WRITTEN = new Set(["database_unavailable", "storage_limit", "disk_full", "too_many_waiters"]);
/** What Node says when not a byte of the request can have left; browsers do not tell. */
const NEVER_SENT = new Set([
  "ECONNREFUSED",
  "ENOTFOUND",
  "EAI_AGAIN",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "UND_ERR_CONNECT_TIMEOUT",
]);
const EXCERPT = 200;
const START_ONE =
  "Start a server with `uv run manage.py serve`, or let baseUrl (or BOTWIRE_URL) name the one that you mean.";
const WAIT_LONGER = "It is slow, or out of reach: check baseUrl (or BOTWIRE_URL), or give it longer with timeout.";
const READ_FIRST = "The write may or may not have happened: read before you repeat it.";

/** One class for each code of docs/errors.md. */
export const BY_CODE = Object.fromEntries(
  Object.values(errors)
    .filter((cls) => Object.hasOwn(cls, "code") && cls.code)
    .map((cls) => [cls.code, cls]),
);
const BY_STATUS = {
  400: errors.InvalidRequestError,
  401: errors.AccessDeniedError,
  403: errors.AccessDeniedError,
  404: errors.NotFoundError,
  409: errors.ConflictError,
  413: errors.LimitError,
  429: errors.LimitError,
  502: errors.UnavailableError,
  503: errors.UnavailableError,
  504: errors.UnavailableError,
};

const text = (value) => (typeof value === "string" ? value : undefined);
const integer = (value) => (Number.isSafeInteger(value) ? value : undefined);
const integerOrNone = (value) => (value === null ? null : integer(value));
const seconds = (value) => (typeof value === "number" ? value : undefined);
const texts = (value) => (Array.isArray(value) ? value.map(String) : undefined);
const moment = (value) => {
  if (value === null) return null;
  const date = new Date(text(value) ?? NaN);
  return Number.isNaN(date.getTime()) ? undefined : date;
};
/** The members of a problem document that become properties, by the properties' names. */
const FACTS = {
  title: ["title", text],
  detail: ["detail", text],
  nextStep: ["next_step", text],
  limit: ["limit", integer],
  used: ["used", integer],
  needed: ["needed", integer],
  resetsAt: ["resets_at", moment],
  retryAfter: ["retry_after", seconds],
  currentVersion: ["current_version", integerOrNone],
  currentType: ["current_type", text],
  operation: ["operation", integer],
  holder: ["holder", text],
  expiresAt: ["expires_at", moment],
  revision: ["revision", integer],
  oldestRevision: ["oldest_revision", integer],
  reason: ["reason", text],
  until: ["until", moment],
  parameter: ["parameter", text],
  allowed: ["allowed", texts],
  line: ["line", integer],
  role: ["role", text],
  read: ["read", texts],
  write: ["write", texts],
};

/** The error for an answer of 4xx or 5xx. A `code` counts only if the answer is BotWire's problem document. */
export function refusal(answer, method) {
  const problem = problemOf(answer);
  const facts = { code: text(problem.code), status: answer.status, retryAfter: retryAfter(answer) };
  for (const [name, [member, read]] of Object.entries(FACTS)) {
    const fact = member in problem ? read(problem[member]) : undefined;
    if (fact !== undefined) facts[name] = fact;
  }
  if (mayHaveWritten(answer, method)) facts.isOutcomeUnknown = true;
  return new (classFor(answer.status, facts.code))(sentence(problem) || foreign(answer), facts);
}

/** The class that tells most about a refusal with this status and, where BotWire itself answered, this code. */
export function classFor(status, code) {
  return BY_CODE[code] ?? BY_STATUS[status] ?? (status >= 500 ? errors.ServerError : errors.BotWireAPIError);
}

/** The code that BotWire answered with; undefined where it did not. */
export function codeOf(outcome) {
  return outcome.trouble ? undefined : text(problemOf(outcome).code);
}

/** Whether a request that ended so may have changed something, without anybody knowing. */
export function mayHaveWritten(outcome, method) {
  if (method === "GET") return false;
  if (outcome.trouble) return !wasNeverSent(outcome);
  return outcome.status >= 500 && !NOTHING_WRITTEN.has(codeOf(outcome));
}

/** Whether it is certain that not a byte of the request has left. */
export function wasNeverSent({ trouble }) {
  const cause = trouble?.cause;
  // Where a name has several addresses, each of them failed.
  return [cause?.errors ?? cause].flat().every((reason) => NEVER_SENT.has(reason?.code));
}

/** Seconds, from a header that holds seconds or a date (RFC 9110 section 10.2.3); null if it holds neither. */
export function retryAfter(answer) {
  const given = answer.headers.get("Retry-After") ?? "";
  if (/^\d+$/.test(given)) return Number(given);
  const date = Date.parse(given);
  return Number.isNaN(date) ? null : Math.max(0, (date - Date.now()) / 1_000);
}

/** The error for an answer that is neither a refusal nor what BotWire would say. */
export function unexpected(answer, cause) {
  const location = answer.headers.get("Location");
  const advice = location ? `It points to ${location}.` : "Is baseUrl (or BOTWIRE_URL) that of a BotWire server?";
  return new errors.UnexpectedAnswerError(`${foreign(answer)} ${advice}`, {
    url: answer.url,
    status: answer.status,
    cause,
  });
}

/** The error for a request without a whole answer in `timeout` seconds; `isInDoubt`: one before may have written. */
export function noAnswer({ trouble, isTimeout }, { method, url }, timeout, isInDoubt) {
  const isOutcomeUnknown = isInDoubt || mayHaveWritten({ trouble }, method);
  const reason = isTimeout ? `nothing within ${timeout} s` : trouble.cause?.message || trouble.message;
  const advice = isOutcomeUnknown ? READ_FIRST : isTimeout ? WAIT_LONGER : START_ONE;
  const cls = isTimeout ? errors.BotWireTimeoutError : errors.BotWireConnectionError;
  const facts = { method, url, isOutcomeUnknown, cause: trouble };
  return new cls(`No answer from ${url} (${method}): ${reason}. ${advice}`, facts);
}

/** The members of a problem document, or none. */
function problemOf(answer) {
  if (!(answer.headers.get("Content-Type") ?? "").toLowerCase().startsWith("application/problem+json")) return {};
  try {
    return Object(JSON.parse(answer.text));
  } catch {
    return {};
  }
}

function sentence(problem) {
  return [problem.detail, problem.next_step].filter(text).join(" ") || text(problem.title);
}

/** A sentence about an answer that is not BotWire's. */
function foreign({ url, status, headers, text: body }) {
  const kind = headers.get("Content-Type") ?? "no content type";
  const excerpt = body.slice(0, EXCERPT).replace(/\s+/g, " ").trim();
  const said = excerpt ? `, which begins ${JSON.stringify(excerpt)}` : "";
  return `${url} answered ${status} with ${kind} instead of BotWire's JSON${said}.`;
}
