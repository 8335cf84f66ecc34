// Leases and claimed tasks: what is held, for how long, and how it is kept.
//
// How long a lease is held is judged by this machine's monotonic clock, from before the request that granted or renewed
// it was sent: never longer than the server says.

import {
  BotWireConnectionError,
  BotWireError,
  KeyNotFoundError,
  LeaseHeldError,
  LeaseLostError,
  NamespaceNotFoundError,
  NothingToClaimError,
} from "./errors.js";
import { now, Patience } from "./patience.js";

/** The part of its ttl after which a lease is renewed. */
const RENEWED_AFTER = 1 / 3;
// TypeScript and newer engines have it; elsewhere nobody can ask for it by its name.
const ASYNC_DISPOSE = Symbol.asyncDispose ?? Symbol("Symbol.asyncDispose");

/** A lease that is renewed in the background as long as it is held and this object lives. Memory.lock() makes it. */
export class Lease {
  #calls;
  #send;
  #name;
  #ttl;
  #timeout;
  #holder;
  #signal;
  #fencing;
  #heldUntil = 0;
  #isLost = false;
  #timer;

  constructor(calls, send, name, { ttl = 60, timeout = null, holder, signal } = {}) {
    calls.acquire(name, ttl, holder, 0); // throws for what can not be asked
    [this.#calls, this.#send, this.#name, this.#ttl] = [calls, send, name, ttl];
    [this.#timeout, this.#holder, this.#signal] = [timeout, holder, signal];
  }

  /** What the lease is on. */
  get name() {
    return this.#name;
  }

  /** The number of this holding; LeaseLostError where it is not held any more, Error where it was not acquired. */
  get fencing() {
    const fencing = this.#number();
    if (!this.isHeld) throw this.#loss();
    return fencing;
  }

  /** Whether nobody else can hold it now, as far as can be known without asking the server. */
  get isHeld() {
    return this.#fencing !== undefined && !this.#isLost && now() < this.#heldUntil;
  }

  /** Acquire it, and renew it from now on; LeaseHeldError where another holds it for `timeout` seconds. */
  async acquire() {
    const patience = new Patience(this.#send, this.#timeout, this.#signal, LeaseHeldError);
    for (;;) {
      const askedAt = now();
      const grant = await patience.ask((seconds) => this.#calls.acquire(this.#name, this.#ttl, this.#holder, seconds));
      if (grant !== null && (await this.taken(grant, askedAt))) return this;
      if (patience.isOver) throw patience.refusal ?? this.#loss();
      await patience.rest();
    }
  }

  /**
   * Begin to hold what was asked for at `askedAt`, and to renew it; false where it was lost before the answer came. A
   * server that let us wait gave the lease later than that, so that it may seem over already: a renewal tells.
   */
  async taken(grant, askedAt) {
    [this.#fencing, this.#isLost, this.#heldUntil] = [grant.fencing, false, askedAt + this.#ttl];
    try {
      if (this.#renewIn() <= 0) await this.renew();
    } catch (error) {
      if (error instanceof LeaseLostError) return false;
      throw error;
    }
    this.#keep(this.#renewIn());
    return true;
  }

  /** Renew it now, for its whole ttl. */
  async renew() {
    const [fencing, askedAt] = [this.#number(), now()];
    try {
      await this.#send(this.#calls.renew(this.#name, fencing, this.#ttl));
    } catch (error) {
      this.#isLost ||= error instanceof LeaseLostError && fencing === this.#fencing;
      throw error;
    }
    if (fencing === this.#fencing) this.#heldUntil = askedAt + this.#ttl;
  }

  /** Give it back; LeaseLostError where it was lost before. */
  async release() {
    this.stop();
    const fencing = this.#number();
    this.#fencing = undefined;
    if (this.#isLost) throw this.#loss();
    await this.#send(this.#calls.release(this.#name, fencing));
  }

  /** Acquire it, do `work(lease)`, release it whatever comes of that, and return what it returned. */
  async run(work) {
    await this.acquire();
    return settled(
      () => work(this),
      () => this.#leave(BotWireConnectionError),
      () => this.#leave(BotWireError),
    );
  }

  /** Renew it no more; it ends by itself after its ttl. */
  stop() {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  async [ASYNC_DISPOSE]() {
    await this.#leave(BotWireConnectionError);
  }

  /** Give it back, if it was not yet. An error of `kind` is none: without an answer it ends by itself after its ttl. */
  async #leave(kind) {
    if (this.#fencing === undefined) return;
    await ignoring(kind, this.release());
  }

  /** Renew it after `seconds` and from then on, unless nobody refers to it any more by then. */
  #keep(seconds) {
    clearTimeout(this.#timer);
    const reference = new WeakRef(this);
    this.#timer = setTimeout(() => reference.deref()?.#renewAndKeep(), seconds * 1_000);
    this.#timer.unref?.(); // in Node it keeps no process alive; in browsers a timer is a number
  }

  async #renewAndKeep() {
    const timer = this.#timer;
    let pause;
    try {
      await this.renew();
      pause = this.#renewIn();
    } catch (error) {
      if (this.#timer !== timer) return;
      this.#isLost ||= !this.isHeld || !(error instanceof BotWireError);
      pause = this.#ttl / 10;
    }
    if (this.#timer === timer && !this.#isLost) this.#keep(pause);
  }

  #renewIn() {
    return Math.max(0, this.#heldUntil - this.#ttl * (1 - RENEWED_AFTER) - now());
  }

  #number() {
    if (this.#fencing === undefined) throw new Error(`The lease ${JSON.stringify(this.#name)} is not acquired.`);
    return this.#fencing;
  }

  #loss() {
    return new LeaseLostError(
      `The lease ${JSON.stringify(this.#name)} is lost: it expired before it was renewed. ` +
        "Somebody else may hold it now.",
    );
  }
}

/** An entry that nobody else works on. Memory.claim() makes it; its lease is renewed in the background. */
export class Task {
  #calls;
  #send;
  #claimed;
  #lease;
  #isSettled = false;

  constructor(calls, send, claimed, lease) {
    [this.#calls, this.#send, this.#claimed, this.#lease] = [calls, send, claimed, lease];
  }

  /** The key of the entry, which is also the name of the lease on it. */
  get key() {
    return this.#claimed.key;
  }

  /** The entry's value when it was claimed. */
  get value() {
    return this.#claimed.value;
  }

  /** The entry's version when it was claimed. */
  get version() {
    return this.#claimed.version;
  }

  /** The lease on the entry. */
  get lease() {
    return this.#lease;
  }

  /** Delete the entry and release the lease; LeaseLostError, and nothing is deleted, if the lease was lost. */
  async complete() {
    await ignoring(KeyNotFoundError, this.#send(this.#calls.delete(this.key, { lease: this.#lease })));
    this.#isSettled = true;
    // The entry is gone, and so nobody can claim it: a lease that is not given back ends by itself.
    await ignoring(LeaseLostError, ignoring(BotWireConnectionError, this.#lease.release()));
  }

  /** Give the entry back, for anybody to claim. */
  async release() {
    this.#isSettled = true;
    await this.#lease.release();
  }

  /** Do `work(task)` and complete the task, unless that has settled it; where it throws, release the task. */
  async run(work) {
    const unlessSettled = async (end) => (this.#isSettled ? undefined : end());
    return settled(
      () => work(this),
      () => unlessSettled(() => this.complete()),
      () => unlessSettled(() => ignoring(BotWireError, this.release())),
    );
  }
}

/** The first entry under `prefix` that nobody holds, as a task; null where there is none in time. */
export async function claim(calls, send, prefix, { ttl = 60, timeout = 0, holder, signal }) {
  const patience = new Patience(send, timeout, signal, NothingToClaimError, NamespaceNotFoundError);
  for (;;) {
    const askedAt = now();
    const claimed = await patience.ask((seconds) => calls.claim(prefix, ttl, holder, seconds));
    if (claimed !== null) {
      const lease = new Lease(calls, send, claimed.grant.name, { ttl, holder });
      if (await lease.taken(claimed.grant, askedAt)) return new Task(calls, send, claimed, lease);
    }
    if (patience.isOver) return null;
    await patience.rest();
  }
}

/** `work()`, then `done()`, or `failed()` where it throws; its result or its error. */
async function settled(work, done, failed) {
  let result;
  try {
    result = await work();
  } catch (error) {
    await failed();
    throw error;
  }
  await done();
  return result;
}

async function ignoring(kind, promise) {
  try {
    await promise;
  } catch (error) {
    if (!(error instanceof kind)) throw error;
  }
}
