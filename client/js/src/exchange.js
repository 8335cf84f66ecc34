// Requests are sent here, and again where that is safe.
//
// A read is repeated whenever that may help, and so is a write that does the same twice as once: one with an
// Idempotency-Key, which the server carries out once. Any other write is repeated only where it is certain that nothing
// was written: Node had no connection, or BotWire itself answered with a code that says so and passes. A lost answer is
// never one of these: the write may have happened, and repeating it would count twice, or undo what another agent
// wrote.
//
// A call is `{ method, url, read, headers, body, wait, unchanged, isHarmless }` (see `calls.js`).

import { ServerError } from "./errors.js";
import { codeOf, mayHaveWritten, noAnswer, refusal, retryAfter, unexpected, wasNeverSent } from "./problems.js";
import { between } from "./random.js";

export const IDEMPOTENCY_KEY = "Idempotency-Key";
/** Seconds that the pauses of one call last together, at most. A Retry-After beyond them is not waited for. */
const MOST_PAUSE = 30;
const FIRST_BACKOFF = 0.25;
const LONGEST_BACKOFF = 5;
/** Milliseconds; a timer for longer would go off at once. */
const LONGEST_TIMER = 2 ** 31 - 1;
const WORTH_ANOTHER_TRY = new Set([429, 502, 503, 504]);
const WORTH_ANOTHER_WRITE = new Set(["database_unavailable", "daily_write_limit", "namespace_creation_limit"]);

/** Send `call`, and again as long as that is safe and may help; the result, or what it failed with. */
export async function send(call, settings, signal) {
  let [paused, isInDoubt] = [0, false];
  for (let attempt = 1; ; attempt += 1) {
    const outcome = await ask(call, settings, signal);
    const pause = attempt > settings.retries ? undefined : pauseAfter(outcome, call, attempt, MOST_PAUSE - paused);
    if (pause === undefined) return result(outcome, call, settings, isInDoubt);
    isInDoubt ||= mayHaveWritten(outcome, call.method);
    paused += pause;
    await sleep(pause, signal);
  }
}

/** Do nothing for so many seconds, or until `signal` says so; then its reason is thrown. */
export function sleep(seconds, signal) {
  return new Promise((resolve, reject) => {
    const over = () => (clearTimeout(timer), reject(signal.reason));
    const timer = setTimeout(() => (signal?.removeEventListener("abort", over), resolve()), seconds * 1_000);
    if (signal?.aborted) over();
    else signal?.addEventListener("abort", over, { once: true });
  });
}

/** One attempt: the answer as `{ url, status, headers, text }`, or `{ trouble, isTimeout }`. */
async function ask({ method, url, headers, body, wait = 0 }, settings, signal) {
  signal?.throwIfAborted();
  const stop = new AbortController();
  const forward = () => stop.abort(signal.reason);
  signal?.addEventListener("abort", forward, { once: true });
  let isTimeout = false;
  const timer = setTimeout(
    () => {
      isTimeout = true;
      stop.abort();
    },
    Math.min((settings.timeout + wait) * 1_000, LONGEST_TIMER),
  );
  try {
    const options = { method, body, headers: { ...settings.headers, ...headers }, signal: stop.signal };
    const answer = await settings.fetch(url, { ...options, cache: "no-store", redirect: "manual" });
    return { url, status: answer.status, headers: answer.headers, text: await answer.text() };
  } catch (trouble) {
    signal?.throwIfAborted();
    return { trouble, isTimeout };
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", forward);
  }
}

/** Seconds to pause before the next attempt, of the `left` that there are; undefined where there is to be none. */
function pauseAfter(outcome, call, attempt, left) {
  if (!mayRepeat(outcome, call)) return undefined;
  const asked = outcome.trouble ? 0 : (retryAfter(outcome) ?? 0);
  const backoff = between(0, Math.min(LONGEST_BACKOFF, FIRST_BACKOFF * 2 ** (attempt - 1)));
  return asked > left ? undefined : Math.min(left, asked + backoff);
}

function mayRepeat(outcome, call) {
  const code = codeOf(outcome);
  if (code === "too_many_waiters") return false;
  const isRepeatable = call.method === "GET" || call.isHarmless || IDEMPOTENCY_KEY in (call.headers ?? {});
  if (isRepeatable && (outcome.trouble || WORTH_ANOTHER_TRY.has(outcome.status))) return true;
  return WORTH_ANOTHER_WRITE.has(code) || Boolean(outcome.trouble && wasNeverSent(outcome));
}

/** What the last attempt came to. Where an earlier one may have written, a failure does not tell that nothing was. */
function result(outcome, call, { timeout }, isInDoubt) {
  if (outcome.trouble) throw noAnswer(outcome, call, timeout + (call.wait ?? 0), isInDoubt);
  if (outcome.status >= 400) {
    const error = refusal(outcome, call.method);
    if (error instanceof ServerError) error.isOutcomeUnknown ||= isInDoubt;
    throw error;
  }
  if (outcome.status === 304 && call.unchanged) return call.unchanged();
  if (outcome.status < 200 || outcome.status >= 300) throw unexpected(outcome);
  try {
    return call.read(outcome.text, outcome.status);
  } catch (error) {
    throw unexpected(outcome, error);
  }
}
