// Atomic changes, also by many at once.

import assert from "node:assert/strict";
import test from "node:test";

import { aMemory, beside } from "./support.mjs";

test("append, pop and popMany change a list", async () => {
  const memory = aMemory();

  assert.equal(await memory.append("list", 1), 1);
  for (const item of [2, { three: 3 }, null, 5]) await memory.append("list", item);
  assert.equal(await memory.append("list", 6, { maxLength: 5 }), 5);
  assert.equal(await memory.pop("list"), 6);
  assert.equal(await memory.pop("list", { first: true }), 2);
  assert.deepEqual(await memory.popMany("list", 2, { first: true }), [{ three: 3 }, null]);
  assert.deepEqual(await memory.popMany("list", 9), [5]);
  assert.deepEqual(await memory.popMany("list", 9), []);
  assert.deepEqual(await memory.popMany("missing", 9), []);
  assert.equal(await memory.pop("list", { default: "none" }), "none");
  await assert.rejects(memory.pop("list"), { name: "TargetMissingError" });
});

test("increment is exact at any size", async () => {
  const memory = aMemory();

  assert.equal(await memory.increment("n"), 1);
  assert.equal(await memory.increment("n", 2n ** 70n), 2n ** 70n + 1n);
  assert.equal(await memory.increment("n", -(2n ** 70n)), 1);
  assert.equal(await memory.increment("f", 0.5, { initial: 1 }), 1.5);
  await assert.rejects(memory.increment("missing", 1, { initial: null }), { name: "TargetMissingError" });
  await assert.rejects(memory.increment("n", "1"), TypeError);
});

test("merge and patch change an object", async () => {
  const memory = aMemory();

  assert.deepEqual(await memory.merge("o", { a: 1, b: null }, { initial: { b: 2, c: 3 } }), { a: 1, c: 3 });
  assert.deepEqual(await memory.patch("o", [{ op: "add", path: "/d", value: [1] }]), { a: 1, c: 3, d: [1] });
  await assert.rejects(memory.patch("o", [{ op: "remove", path: "/x" }]), { name: "PatchFailedError" });
  await assert.rejects(memory.patch("o", [{ op: "test", path: "/a", value: 2 }]), { name: "PreconditionFailedError" });
  await assert.rejects(memory.append("o", 1), { name: "WrongTypeError", currentType: "object" });
  await assert.rejects(memory.patch("o", {}), TypeError);
  assert.deepEqual(await memory.get("o"), { a: 1, c: 3, d: [1] });
});

test("no change of many agents is lost", async () => {
  const memory = aMemory();
  const agents = Array.from({ length: 4 }, () => beside(memory));

  await Promise.all(
    agents.flatMap((agent, number) =>
      Array.from({ length: 10 }, async () => {
        await agent.increment("n");
        await agent.append("list", number);
        await agent.update("sum", (sum) => sum + 1, { default: 0 });
      }),
    ),
  );

  assert.equal(await memory.get("n"), 40);
  assert.equal((await memory.get("list")).length, 40);
  assert.equal(await memory.get("sum"), 40);
});

test("update is given a copy of the default and may wait itself", async () => {
  const memory = aMemory();
  const initial = { seen: [] };

  const result = await memory.update("k", async (value) => (value.seen.push(1), value), { default: initial });

  assert.deepEqual(result, { seen: [1] });
  assert.deepEqual(initial, { seen: [] });
  assert.deepEqual(await memory.get("k"), { seen: [1] });
  await assert.rejects(
    memory.update("k", () => {
      throw new RangeError("mine");
    }),
    RangeError,
  );
});

test("update gives up where others are always faster", async () => {
  const memory = aMemory();
  await memory.set("k", 0);

  const update = memory.update("k", async () => (await beside(memory).set("k", Math.random()), 1), { timeout: 0.2 });

  await assert.rejects(update, { name: "PreconditionFailedError" });
});
