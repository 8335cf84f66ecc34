// Setting, reading, listing and deleting.

import assert from "node:assert/strict";
import test from "node:test";

import { Memory } from "../../client/js/src/index.js";
import { all, aMemory, beside, BOTWIRE_CRAMPED_URL } from "./support.mjs";

test("a value is set, read by another, and deleted", async () => {
  const memory = aMemory({ agent: "quant-1" });

  const { createdAt, updatedAt, ...result } = await memory.set("a/b", { signal: "buy" });

  assert.deepEqual(result, {
    namespace: memory.namespace,
    key: "a/b",
    version: 1,
    created: true,
    bytes: 19,
    expiresAt: null,
  });
  assert.ok(createdAt instanceof Date && Math.abs(createdAt - Date.now()) < 60_000);
  assert.deepEqual(updatedAt, createdAt);
  assert.deepEqual(await beside(memory).getEntry("a/b"), {
    namespace: memory.namespace,
    key: "a/b",
    value: { signal: "buy" },
    version: 1,
    writer: { name: "quant-1", verified: false },
    createdAt,
    updatedAt,
    expiresAt: null,
  });
  assert.equal((await memory.set("a/b", 1)).created, false);
  assert.equal(await memory.delete("a/b"), true);
  assert.equal(await memory.delete("a/b"), false);
});

test("what is not there is undefined, the default, or an error", async () => {
  const memory = aMemory();
  await memory.set("none", null);

  assert.equal(await memory.get("missing"), undefined);
  assert.equal(await memory.get("missing", { default: 7 }), 7);
  assert.equal(await memory.get("none", { default: 7 }), null);
  assert.deepEqual([await memory.exists("none"), await memory.exists("non")], [true, false]);
  await assert.rejects(memory.getEntry("missing"), { name: "KeyNotFoundError", status: 404, code: "key_not_found" });
});

test("an entry with a ttl expires", async () => {
  const memory = aMemory();

  const { expiresAt, updatedAt } = await memory.set("k", 1, { ttl: 0.5 });
  assert.ok(Math.abs(expiresAt - updatedAt - 500) <= 1);
  await new Promise((resolve) => setTimeout(resolve, 700));

  assert.equal(await memory.exists("k"), false);
  await assert.rejects(memory.set("k", 1, { ttl: NaN }), { name: "InvalidTTLError" });
  await assert.rejects(memory.set("k", 1, { ttl: "60" }), TypeError);
});

test("conditions write only where nobody was first", async () => {
  const memory = aMemory();
  const { version } = await memory.set("k", 1, { ifAbsent: true });

  await assert.rejects(memory.set("k", 2, { ifAbsent: true }), {
    name: "PreconditionFailedError",
    currentVersion: version,
  });
  await memory.set("k", 3, { ifVersion: version });
  await assert.rejects(memory.set("k", 4, { ifVersion: version }), {
    code: "precondition_failed",
    currentVersion: version + 1,
  });
  await assert.rejects(memory.delete("k", { ifVersion: version }), { code: "precondition_failed" });
  await assert.rejects(memory.set("k", 4, { ifVersion: version, ifAbsent: true }), TypeError);
  assert.equal(await memory.get("k"), 3);
  assert.equal(await memory.delete("k", { ifVersion: version + 1 }), true);
});

test("lists go over all pages, in byte order, and no further than asked", async () => {
  const memory = aMemory({ baseUrl: BOTWIRE_CRAMPED_URL });
  const keys = Array.from({ length: 20 }, (_, index) => `k/${String(index).padStart(2, "0")}`);
  await memory.setMany(keys.map((key, index) => [key, index]));
  await memory.set("é", "last");

  assert.deepEqual(await memory.list(), [...keys, "é"]);
  assert.deepEqual(await memory.list("k/1"), keys.slice(10));
  assert.deepEqual(await memory.list("k/", { limit: 9 }), keys.slice(0, 9));
  assert.deepEqual(
    await all(memory.items("k/0")),
    keys.slice(0, 10).map((key, index) => [key, index]),
  );
  assert.deepEqual(await all(memory.keys("nothing")), []);
});

test("clear deletes what begins so, as one write", async () => {
  const memory = aMemory();
  assert.equal(await memory.clear(), 0);
  await memory.setMany({ "a/1": 1, "a/2": 2, b: 3 });

  assert.equal(await memory.clear("a/"), 2);
  assert.deepEqual(await memory.list(), ["b"]);
});

test("usage tells what is used against the limits", async () => {
  const memory = aMemory();
  await assert.rejects(memory.usage(), { name: "NamespaceNotFoundError" });
  await memory.set("key", [1, 2]);

  const { createdAt, lastWriteAt, resetsAt, day, ...usage } = await memory.usage();

  assert.deepEqual(usage, {
    namespace: memory.namespace,
    access: "open",
    status: "active",
    reason: null,
    until: null,
    revision: 1,
    limits: {
      writesPerDay: 1_000,
      bytes: 52_428_800,
      valueBytes: 1_048_576,
      keyBytes: 512,
      jsonDepth: 64,
      keysPerPage: 10_000,
      ttlSeconds: 315_360_000,
    },
    writes: 1,
    bytes: 8,
    entries: 1,
    reads: usage.reads,
  });
  assert.deepEqual(lastWriteAt, createdAt);
  assert.match(day, /^\d{4}-\d\d-\d\d$/);
  assert.ok(resetsAt > Date.now());
});

test("at the limit a write is refused with what to do, and nothing is written", async () => {
  const memory = aMemory({ baseUrl: BOTWIRE_CRAMPED_URL, retries: 0 });
  await memory.setMany(Array.from({ length: 60 }, (_, index) => [`k${index}`, index]));

  await assert.rejects(memory.set("one more", 1), (error) => {
    assert.equal(error.name, "DailyWriteLimitError");
    assert.deepEqual([error.status, error.limit, error.used], [429, 60, 60]);
    assert.ok(error.resetsAt > new Date() && error.retryAfter > 0);
    assert.equal(error.message, `${error.detail} ${error.nextStep}`);
    return true;
  });
  assert.equal(await memory.exists("one more"), false);
  const full = aMemory({ baseUrl: BOTWIRE_CRAMPED_URL });
  await assert.rejects(full.set("k", "x".repeat(1_000)), {
    name: "StorageLimitError",
    limit: 1_001,
    used: 0,
    needed: 1_003,
  });
});

test("an agent's name is shown as it is", async () => {
  for (const agent of ["quant-1", " é 100% ", "\u202e", "a: b"]) {
    const memory = aMemory({ agent });
    await memory.set("k", 1);
    assert.deepEqual((await memory.getEntry("k")).writer, { name: agent, verified: false });
  }
});

test("options that can not work are refused at once", () => {
  const wrong = [
    { baseUrl: "localhost" },
    { baseUrl: "ftp://a" },
    { baseUrl: "http://user:pw@a" },
    { baseUrl: "http://a?b" },
    { timeout: 0 },
    { timeout: Infinity },
    { timeout: "15" },
    { retries: -1 },
    { retries: 1.5 },
    { token: "" },
    { token: "a b" },
  ];
  for (const options of wrong) assert.throws(() => new Memory("desk", options), TypeError, JSON.stringify(options));
  assert.throws(() => new Memory("desk", { agent: "" }), { name: "InvalidAgentError" });
  assert.throws(
    () => new Memory("desk", { token: "sécret" }),
    (error) => !error.message.includes("cret"),
  );
});
