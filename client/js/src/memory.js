// The client: each method is one verb. Requests and answers are in `calls.js`, repeats in `exchange.js`.

import { Calls } from "./calls.js";
import { KeyNotFoundError, NamespaceNotFoundError, TargetMissingError } from "./errors.js";
import { send } from "./exchange.js";
import { claim, Lease } from "./leases.js";
import { checkNamespace } from "./names.js";
import * as operations from "./operations.js";
import { settingsOf } from "./settings.js";
import * as transactions from "./transactions.js";
import { update, wait, Watch } from "./waiting.js";

/** Where fewer keys are wanted, the server is asked for a page so short; else for one as long as it gives. */
const SHORT_PAGE = 100;

/**
 * The memory that everyone who knows the name `namespace` shares.
 *
 *     const memory = new Memory("trading-desk");
 *     await memory.set("tsla_signal", { signal: "buy", confidence: 0.9 });
 *     await memory.get("tsla_signal");
 *
 * What the options and the methods promise is written in `index.d.ts`.
 */
export class Memory {
  #namespace;
  #settings;
  #calls;
  #send;

  constructor(namespace, options = {}) {
    this.#namespace = checkNamespace(namespace);
    this.#settings = settingsOf(options);
    this.#calls = new Calls(this.#settings.baseUrl, namespace);
    this.#send = (call, signal) => send(call, this.#settings, signal);
  }

  get namespace() {
    return this.#namespace;
  }

  // --- entries

  async set(key, value, { signal, ...options } = {}) {
    return this.#send(this.#calls.set(key, value, options), signal);
  }

  async get(key, { default: missing, signal } = {}) {
    return unless(KeyNotFoundError, missing, async () => (await this.getEntry(key, { signal })).value);
  }

  async getEntry(key, { signal } = {}) {
    return this.#send(this.#calls.getEntry(key), signal);
  }

  async getText(key, { signal } = {}) {
    return unless(KeyNotFoundError, undefined, () => this.#send(this.#calls.getText(key), signal));
  }

  async delete(key, { signal, ...options } = {}) {
    return unless(KeyNotFoundError, false, () => this.#send(this.#calls.delete(key, options), signal));
  }

  async exists(key, { signal } = {}) {
    return this.#send(this.#calls.exists(key), signal);
  }

  async list(prefix = "", options = {}) {
    const found = [];
    for await (const key of this.keys(prefix, options)) found.push(key);
    return found;
  }

  keys(prefix = "", options = {}) {
    return this.#each((...page) => this.#calls.keys(...page), prefix, options);
  }

  items(prefix = "", options = {}) {
    return this.#each((...page) => this.#calls.items(...page), prefix, options);
  }

  async clear(prefix = "", { signal } = {}) {
    return unless(NamespaceNotFoundError, 0, () => this.#send(this.#calls.clear(prefix), signal));
  }

  // --- changes that happen on the server in one step

  async append(key, value, { maxLength, ttl, ...options } = {}) {
    return (await this.#change(key, operations.append(value, { maxLength, ttl }), { ...options, isBrief: true }))
      .length;
  }

  async pop(key, { default: missing, ...options } = {}) {
    const [popped] = await this.popMany(key, 1, options);
    if (popped !== undefined) return popped;
    if (missing !== undefined) return missing;
    throw new TargetMissingError(`There is nothing to take out of a list under ${JSON.stringify(key)}.`);
  }

  async popMany(key, count, { first, ...options } = {}) {
    const operation = operations.pop(count, { first });
    return unless(
      TargetMissingError,
      [],
      async () => (await this.#change(key, operation, { ...options, isBrief: true })).popped,
    );
  }

  async increment(key, by = 1, { initial, ...options } = {}) {
    return this.#change(key, operations.increment(by, { initial }), options);
  }

  async merge(key, patch, { initial, ...options } = {}) {
    return this.#change(key, operations.merge(patch, { initial }), options);
  }

  async patch(key, patch, options = {}) {
    return this.#change(key, operations.patch(patch), options);
  }

  async update(key, change, options = {}) {
    return update(this.#calls, this.#send, key, change, options);
  }

  // --- waiting

  async wait(key, options = {}) {
    return wait(this.#calls, this.#send, key, options);
  }

  watch(prefix = "", options = {}) {
    return new Watch(this.#calls, this.#send, prefix, options);
  }

  async changes(since, { prefix, limit, signal } = {}) {
    return this.#send(this.#calls.changes(since, { prefix, limit }), signal);
  }

  // --- leases

  lock(name, options = {}) {
    return new Lease(this.#calls, this.#send, name, { ...options, holder: this.#settings.agent });
  }

  async claim(prefix, options = {}) {
    return claim(this.#calls, this.#send, prefix, { ...options, holder: this.#settings.agent });
  }

  // --- many at once

  async transaction(work, options = {}) {
    const transaction = new transactions.Transaction(this.#calls, this.#send, options);
    await work(transaction);
    await transaction.commit();
    return transaction;
  }

  async setMany(entries, options = {}) {
    return transactions.setMany(this.#calls, this.#send, entries, options);
  }

  async getMany(keys, options = {}) {
    return transactions.getMany(this.#calls, this.#send, keys, options);
  }

  async deleteMany(keys, options = {}) {
    return transactions.deleteMany(this.#calls, this.#send, keys, options);
  }

  // --- the namespace

  async usage({ signal } = {}) {
    return this.#send(this.#calls.usage(), signal);
  }

  async #change(key, operation, { signal, ...options }) {
    return this.#send(this.#calls.change(key, operation, options), signal);
  }

  async *#each(pageOf, prefix, { limit = Infinity, signal }) {
    let [left, cursor] = [limit, undefined];
    while (left > 0) {
      const page = await this.#send(pageOf(prefix, { cursor, limit: left < SHORT_PAGE ? left : undefined }), signal);
      yield* page.items.slice(0, left);
      left -= page.items.length;
      if (page.next === null) return;
      cursor = page.next;
    }
  }
}

/** What `act` returns; `otherwise`, where it throws an error of `kind`. */
async function unless(kind, otherwise, act) {
  try {
    return await act();
  } catch (error) {
    if (error instanceof kind) return otherwise;
    throw error;
  }
}
