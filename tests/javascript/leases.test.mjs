// Leases have one holder at a time; claims share out entries.

import assert from "node:assert/strict";
import test from "node:test";

import { aMemory, beside } from "./support.mjs";

const pause = (seconds) => new Promise((resolve) => setTimeout(resolve, seconds * 1_000));

test("one holder at a time", async () => {
  const memory = aMemory({ agent: "first" });
  const other = beside(memory);
  const order = [];
  let begun;
  const hasBegun = new Promise((resolve) => (begun = resolve));

  const held = memory.lock("deploy", { ttl: 30 }).run(async (lease) => {
    order.push("first");
    begun();
    await assert.rejects(other.lock("deploy", { timeout: 0 }).acquire(), (error) => {
      assert.deepEqual([error.name, error.holder], ["LeaseHeldError", "first"]);
      assert.ok(error.expiresAt > new Date());
      return true;
    });
    assert.equal(lease.isHeld, true);
    await pause(0.3);
    order.push("first ends");
    return 17;
  });
  await hasBegun;
  const next = other.lock("deploy", { timeout: 10 }).run((lease) => order.push("second") && lease.fencing);

  assert.equal(await held, 17);
  assert.ok(await next);
  assert.deepEqual(order, ["first", "first ends", "second"]);
});

test("a lease is renewed in the background", async () => {
  const memory = aMemory();
  const lease = await memory.lock("deploy", { ttl: 3 }).acquire();

  await pause(4);

  assert.equal(lease.isHeld, true);
  await memory.set("k", 1, { lease });
  await lease.release();
  assert.throws(() => lease.fencing, /not acquired/);
});

test("a write under a lost lease does not happen", async () => {
  const memory = aMemory();
  const lease = await memory.lock("deploy", { ttl: 60 }).acquire();
  const url = `${process.env.BOTWIRE_URL}/namespaces/${memory.namespace}/leases/deploy?fencing=${lease.fencing}`;
  await fetch(url, { method: "DELETE" });

  await assert.rejects(memory.set("k", 1, { lease }), { name: "LeaseLostError", status: 412 });
  await assert.rejects(memory.append("k", 1, { lease }), { name: "LeaseLostError" });
  await assert.rejects(memory.setMany({ k: 1 }, { lease }), { name: "LeaseLostError" });
  await assert.rejects(lease.renew(), { name: "LeaseLostError" });
  assert.equal(lease.isHeld, false);
  assert.throws(() => lease.fencing, { name: "LeaseLostError", status: null });
  await assert.rejects(lease.release(), { name: "LeaseLostError" });
  assert.equal(await memory.exists("k"), false);
});

test("run releases where the work fails, and the work's error is what is seen", async () => {
  const memory = aMemory();

  await assert.rejects(
    memory.lock("deploy").run(() => {
      throw new RangeError("mine");
    }),
    RangeError,
  );

  await (await memory.lock("deploy", { timeout: 0 }).acquire()).release();
});

test("a lease that its holder let go of without giving it back passes on", async () => {
  const memory = aMemory();
  await memory.set("tasks/1", 1);
  const url = `${process.env.BOTWIRE_URL}/namespaces/${memory.namespace}/leases/deploy`;
  await fetch(url, { method: "POST", body: '{"ttl": 1}', headers: { "Content-Type": "application/json" } });

  const lease = await memory.lock("deploy", { timeout: 10 }).acquire();

  assert.ok(lease.fencing > 1);
  await lease.release();
});

test("each task has one worker, and is gone when it is done", async () => {
  const memory = aMemory();
  for (let number = 0; number < 12; number += 1) await memory.set(`tasks/${number}`, number);
  const done = [];

  await Promise.all(
    Array.from({ length: 3 }, async () => {
      const worker = beside(memory);
      for (let task; (task = await worker.claim("tasks/"));) await task.run(({ value }) => done.push(value));
    }),
  );

  assert.deepEqual(
    done.sort((a, b) => a - b),
    Array.from({ length: 12 }, (_, number) => number),
  );
  assert.deepEqual(await memory.list(), []);
});

test("a task whose work failed is there for the next", async () => {
  const memory = aMemory();
  await memory.set("tasks/1", { do: "it" });

  const task = await memory.claim("tasks/");
  assert.deepEqual([task.key, task.value, task.version, task.lease.name], ["tasks/1", { do: "it" }, 1, "tasks/1"]);
  await assert.rejects(
    task.run(() => {
      throw new RangeError("mine");
    }),
    RangeError,
  );

  const again = await memory.claim("tasks/");
  assert.equal(again.key, "tasks/1");
  await again.complete();
  assert.equal(await memory.claim("tasks/", { timeout: 0.1 }), null);
});

test("a task is waited for", async () => {
  const memory = aMemory();

  const claimed = memory.claim("tasks/", { timeout: 10 });
  await pause(0.1);
  await memory.set("tasks/1", 1);

  await (await claimed).release();
});
