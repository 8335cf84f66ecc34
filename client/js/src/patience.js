// How to ask for what is not there yet: held by the server where it does that, else again and again.

import { BotWireConnectionError, InvalidParameterError, TooManyWaitersError, UnavailableError } from "./errors.js";
import { sleep } from "./exchange.js";
import { between } from "./random.js";

/** Seconds that a server holds an answer for, at most. */
const LONGEST_WAIT = 55;
/** Seconds that a server which did answer may be out of reach. */
const LONGEST_OUTAGE = 300;
const FIRST_POLL = 0.1;
const LONGEST_POLL = 2;
const LONGEST_BACKOFF = 5;
const POLL_WHILE_FULL = 5;
// A server that waits in whole seconds may round them.
const EARLY = 0.5;

/** Seconds on a clock that is never set. */
export function now() {
  return performance.now() / 1_000;
}

/**
 * Asks until `timeout` seconds have passed (null: for ever); `notYet` are the refusals that mean: not yet.
 *
 * A server that holds an answer back (`?wait=`) is asked again at once. One that does not (it has too many waiters, is
 * too old, or stands behind plain WSGI) is asked after pauses that grow to two seconds, with jitter. A server that was
 * reached once may be out of reach for five minutes, so that its restart is ridden out.
 */
export class Patience {
  /** How the last ask was refused, where that means: not yet. */
  refusal;
  #send;
  #signal;
  #notYet;
  #endsAt;
  #longest = LONGEST_WAIT;
  #pollsUntil = 0;
  #reachedAt;
  #wasHeld = false;
  #polls = 0;

  /** `send(call, signal)` gives the result of a call. */
  constructor(send, timeout, signal, ...notYet) {
    this.#send = send;
    this.#signal = signal;
    this.#notYet = notYet;
    this.restart(timeout);
  }

  /** Begin to count anew. */
  restart(timeout) {
    this.#endsAt = timeout === null ? Infinity : now() + timeout;
  }

  get isOver() {
    return now() >= this.#endsAt;
  }

  /** The answer to `callFor(seconds)`, which the server may hold that long; null if it says: not yet. */
  async ask(callFor) {
    for (let failures = 0; ;) {
      const [seconds, began] = [this.#secondsToHold(), now()];
      this.refusal = undefined;
      let answer = null;
      try {
        answer = await this.#send(callFor(seconds), this.#signal);
      } catch (error) {
        if (this.#notYet.some((cls) => error instanceof cls)) {
          this.refusal = error;
        } else if (this.#learns(error, seconds)) {
          continue;
        } else {
          failures += 1;
          await sleep(this.#pauseInOutage(error, failures), this.#signal);
          continue;
        }
      }
      this.#reachedAt = now();
      this.#wasHeld = seconds > 0 && this.#reachedAt - began >= seconds - EARLY;
      return answer;
    }
  }

  /** Pause before the next ask, where the last one had no news and the server did not hold it. */
  async rest() {
    if (this.#wasHeld) return;
    const pause = Math.min(LONGEST_POLL, FIRST_POLL * 2 ** this.#polls);
    this.#polls = Math.min(this.#polls + 1, 10);
    await sleep(Math.min(this.#left(), between(pause / 2, pause)), this.#signal);
  }

  /** The last answer was new: pauses begin small again. */
  hadNews() {
    this.#polls = 0;
  }

  /** Whether `error` says how long the server holds an answer, so that it can be asked again at once. */
  #learns(error, seconds) {
    if (error instanceof TooManyWaitersError) {
      this.#pollsUntil = now() + (error.retryAfter || POLL_WHILE_FULL);
      return true;
    }
    if (!(error instanceof InvalidParameterError) || !seconds || !["wait", "equals"].includes(error.parameter))
      return false;
    // An operator may allow less; a server that knows no wait names no limit.
    this.#longest = error.limit && error.limit < seconds ? error.limit : 0;
    return true;
  }

  #secondsToHold() {
    return now() < this.#pollsUntil ? 0 : Math.floor(Math.min(this.#longest, this.#left()));
  }

  #left() {
    return Math.max(0, Math.min(this.#endsAt - now(), LONGEST_WAIT));
  }

  /** Seconds to pause in an outage; throws `error` where it is none to ride out. */
  #pauseInOutage(error, failures) {
    const isOutage = error instanceof BotWireConnectionError || error instanceof UnavailableError;
    const isRiddenOut =
      isOutage && !error.isOutcomeUnknown && !this.isOver && now() - this.#reachedAt <= LONGEST_OUTAGE;
    if (!isRiddenOut) throw error;
    return Math.min(this.#left(), between(0, Math.min(LONGEST_BACKOFF, 0.25 * 2 ** Math.min(failures, 10))));
  }
}
