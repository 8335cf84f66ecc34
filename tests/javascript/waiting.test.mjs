// Waiting for values and following changes.

import assert from "node:assert/strict";
import test from "node:test";

import { aMemory, all, beside, json, misbehaving, problem } from "./support.mjs";

const soon = (act) => new Promise((resolve) => setTimeout(resolve, 100)).then(act);

test("wait goes on when there is an entry, an equal one, a later one, or one as asked for", async () => {
  const memory = aMemory();
  const began = performance.now();

  const [any] = await Promise.all([
    memory.wait("k"),
    soon(() => beside(memory).set("k", { a: 1, b: 12345678901234567890n })),
  ]);
  const { version } = await memory.getEntry("k");
  const [equal, later, asked] = await Promise.all([
    memory.wait("k", { equals: { b: 2, a: 1 } }),
    memory.wait("k", { after: version }),
    memory.wait("k", { until: (value) => value.b === 2 }),
    soon(() => beside(memory).set("k", { a: 1, b: 2 })),
  ]);

  assert.deepEqual(any, { a: 1, b: 12345678901234567890n });
  for (const value of [equal, later, asked]) assert.deepEqual(value, { a: 1, b: 2 });
  assert.equal(await memory.wait("k", { equals: { a: 1, b: 2 } }).then(({ b }) => b), 2);
  assert.ok(performance.now() - began < 30_000);
});

test("long values and big integers are waited for, too", async () => {
  const memory = aMemory();
  const long = "x".repeat(2_000);
  await memory.set("k", [long, 1n, 12345678901234567890n]);

  assert.deepEqual(await memory.wait("k", { equals: [long, 1, 12345678901234567890n] }), [
    long,
    1,
    12345678901234567890n,
  ]);
});

test("wait ends with an error when its time is up", async () => {
  const memory = aMemory();
  await memory.set("k", 1);

  for (const options of [{ equals: 2 }, { until: () => false }, { after: 1 }]) {
    const began = performance.now();
    await assert.rejects(memory.wait("k", { timeout: 0.3, ...options }), { name: "WaitTimeoutError", key: "k" });
    assert.ok(performance.now() - began < 20_000);
  }
  await assert.rejects(memory.wait("missing", { timeout: 0 }), { name: "WaitTimeoutError" });
  await assert.rejects(memory.wait("k", { equals: 1, after: 1 }), TypeError);
});

test("a signal ends a wait at once", async () => {
  const memory = aMemory();
  const stop = new AbortController();
  const began = performance.now();

  const waiting = memory.wait("k", { timeout: null, signal: stop.signal });
  soon(() => stop.abort(new Error("enough")));

  await assert.rejects(waiting, { message: "enough" });
  assert.ok(performance.now() - began < 20_000);
});

test("watch gives each change once, in order, and ends when none comes", async () => {
  const memory = aMemory();
  await memory.set("before", 0);
  const watch = memory.watch("k/", { timeout: 2 });
  const first = watch.next();
  while (watch.revision === undefined) await soon(() => {});

  await memory.set("k/1", 1);
  await memory.set("other", 1);
  await memory.delete("k/1");

  const { value } = await first;
  const changes = [value, ...(await all(watch))].map(({ at, ...change }) => (assert.ok(at instanceof Date), change));
  assert.deepEqual(changes, [
    { revision: 2, kind: "set", key: "k/1", value: 1, writer: null },
    { revision: 4, kind: "delete", key: "k/1", writer: null },
  ]);
  assert.equal(watch.revision, 4);
});

test("watch goes on from a revision, and says which it has given", async () => {
  const memory = aMemory();
  for (let number = 1; number <= 3; number += 1) await memory.set("k", number);
  const watch = memory.watch("", { since: 1, timeout: 0.1 });

  const { value } = await watch.next();

  assert.deepEqual([value.revision, watch.revision], [2, 2]);
  assert.deepEqual(
    (await all(memory.watch("", { since: watch.revision, timeout: 0.1 }))).map(({ value: given }) => given),
    [3],
  );
  await assert.rejects(memory.watch("", { since: 99, timeout: 0.1 }).next(), {
    name: "InvalidRevisionError",
    revision: 3,
  });
});

test("changes is one page of the log", async () => {
  const memory = aMemory();
  await memory.setMany({ a: 1, b: 2, c: 3 });

  const page = await memory.changes(1, { limit: 1 });

  assert.deepEqual([page.changes.map(({ key }) => key), page.next, page.revision], [["b"], 2, 3]);
});

test("a server without room for waiters is polled, and an outage is ridden out", async (t) => {
  const entry = (value, version) =>
    json(200, {
      namespace: "desk",
      key: "k",
      value,
      version,
      writer: null,
      expires_at: null,
      created_at: "2026-01-31T09:00:00.000000Z",
      updated_at: "2026-01-31T09:00:00.000000Z",
    });
  const full = problem(503, "too_many_waiters", { limit: 1 }, { "Retry-After": "1" });
  const server = await misbehaving(
    t,
    full,
    entry(1, 1),
    null,
    problem(503, "database_unavailable"),
    entry(1, 1),
    entry(2, 2),
  );
  const memory = aMemory({ baseUrl: server.url, retries: 0 });

  assert.equal(await memory.wait("k", { until: (value) => value === 2, timeout: 20 }), 2);
  const path = `/memory/${memory.namespace}/k`;
  assert.match(server.requests[0], /\?wait=\d+$/);
  assert.equal(server.requests[1], `GET ${path}`);
});
