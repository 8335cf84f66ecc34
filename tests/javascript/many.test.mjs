// All or nothing.

import assert from "node:assert/strict";
import test from "node:test";

import { aMemory, beside, json, misbehaving, problem } from "./support.mjs";

test("a transaction writes all at its end", async () => {
  const memory = aMemory();
  await memory.set("balance", 100);
  await memory.set("draft", "x");

  const { results, revision } = await memory.transaction(async (t) => {
    const balance = await t.get("balance", { default: 0 });
    assert.equal(await t.get("missing"), undefined);
    t.set("balance", balance - 10);
    t.append("log", ["paid", 10]);
    t.increment("count", 2);
    t.merge("state", { a: 1 }, { initial: {} });
    t.patch("state", [{ op: "add", path: "/b", value: 2 }]);
    t.pop("log", { first: true });
    t.delete("draft");
    assert.equal(await memory.get("balance"), 100);
  });

  assert.deepEqual(results, [3, 1, 2, { a: 1 }, { a: 1, b: 2 }, [["paid", 10]], true]);
  assert.equal(revision, 9);
  assert.equal(await memory.get("balance"), 90);
});

test("a transaction whose reads do not hold any more writes nothing", async () => {
  const memory = aMemory();
  await memory.set("a", 1);

  const work = memory.transaction(async (t) => {
    await t.get("b");
    await t.get("a");
    await beside(memory).set("a", 2);
    t.set("c", 3);
  });

  await assert.rejects(work, { name: "TransactionConflictError", code: "precondition_failed", key: "a", status: 412 });
  assert.deepEqual(await memory.list(), ["a"]);
});

test("an error in a transaction is passed on, and nothing is written", async () => {
  const memory = aMemory();

  await assert.rejects(
    memory.transaction((t) => {
      t.set("k", 1);
      throw new RangeError("mine");
    }),
    RangeError,
  );
  await assert.rejects(
    memory.transaction((t) => {
      t.set("..", 1);
    }),
    { name: "InvalidKeyError" },
  );
  await assert.rejects(
    memory.transaction(async (t) => {
      t.set("k", 1);
      await t.get("k");
    }),
    /writes "k" already/,
  );
  await assert.rejects(
    memory.transaction((t) => {
      t.set("k", 1);
      t.append("k", 1);
    }),
    { code: "wrong_type", operation: 1 },
  );
  assert.deepEqual(await memory.list(), []);
});

test("a transaction that writes nothing sends nothing", async () => {
  const { results, revision } = await aMemory({ fetch: () => assert.fail("sent") }).transaction(() => {});

  assert.deepEqual([results, revision], [[], null]);
});

test("many entries are set, read and deleted in one request", async () => {
  const memory = aMemory();

  await memory.setMany({ a: 1, b: [2] });
  await memory.setMany(
    new Map([
      ["9", "nine"],
      ["10", null],
    ]),
  );

  assert.deepEqual(
    await memory.getMany(["a", "missing", "9", "10"]),
    new Map([
      ["a", 1],
      ["9", "nine"],
      ["10", null],
    ]),
  );
  assert.equal(await memory.deleteMany(["a", "b", "missing"]), 2);
  assert.deepEqual(await memory.list(), ["10", "9"]);
});

test("more than a batch holds goes in several", async () => {
  const memory = aMemory();
  const entries = Array.from({ length: 510 }, (_, index) => [`k${index}`, index]);

  await memory.setMany(entries);

  assert.equal((await memory.getMany(entries.map(([key]) => key))).size, 510);
  assert.equal((await memory.usage()).writes, 510);
});

test("what one answer does not hold is read in two", async () => {
  const memory = aMemory();
  const keys = Array.from({ length: 10 }, (_, index) => `k${index}`);
  for (const key of keys) await memory.set(key, key.repeat(450_000));

  const found = await memory.getMany(keys);

  assert.deepEqual([...found.keys()], keys);
  assert.equal(found.get("k9").length, 900_000);
});

test("a batch that only reads is repeated, and one that writes with its key", async (t) => {
  const server = await misbehaving(t, null, json(200, { revision: 1, results: [] }), null, problem(403, "forbidden"));
  const memory = aMemory({ baseUrl: server.url });

  await memory.getMany(["a"]);
  await assert.rejects(memory.setMany({ a: 1 }), { name: "ForbiddenError" });

  assert.equal(server.requests.length, 4);
  assert.deepEqual(server.keys.slice(0, 2), ["", ""]);
  assert.ok(server.keys[2] && server.keys[2] === server.keys[3]);
});
