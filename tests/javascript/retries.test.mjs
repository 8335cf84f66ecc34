// What is sent again, how often, and what is never sent again; on real sockets.

import assert from "node:assert/strict";
import test from "node:test";

import { aMemory, json, losing, misbehaving, nobody, problem } from "./support.mjs";

const ENTRY = json(200, {
  namespace: "desk",
  key: "k",
  value: 1,
  version: 1,
  writer: null,
  expires_at: null,
  created_at: "2026-01-31T09:00:00.000000Z",
  updated_at: "2026-01-31T09:00:00.000000Z",
});
const UNAVAILABLE = problem(503, "database_unavailable");
const FORBIDDEN = problem(403, "forbidden");
const bare = (status) => ({ status, headers: { "Content-Type": "text/html" }, body: "" });

const ONCE = {
  set: (memory) => memory.set("k", 1),
  delete: (memory) => memory.delete("k"),
  clear: (memory) => memory.clear(),
};
const REPEATABLE = {
  "set ifAbsent": (memory) => memory.set("k", 1, { ifAbsent: true }),
  "set ifVersion": (memory) => memory.set("k", 1, { ifVersion: 3 }),
  "delete ifVersion": (memory) => memory.delete("k", { ifVersion: 3 }),
  append: (memory) => memory.append("k", 1),
  pop: (memory) => memory.pop("k"),
  increment: (memory) => memory.increment("k"),
  merge: (memory) => memory.merge("k", {}),
  patch: (memory) => memory.patch("k", []),
  setMany: (memory) => memory.setMany({ k: 1 }),
  deleteMany: (memory) => memory.deleteMany(["k"]),
  lock: (memory) => memory.lock("k").acquire(),
  claim: (memory) => memory.claim("k"),
};

for (const [name, trouble] of Object.entries({
  "no answer": null,
  503: UNAVAILABLE,
  "a proxy's 502": bare(502),
  "a proxy's 504": bare(504),
})) {
  test(`a read is repeated after ${name}`, async (t) => {
    const server = await misbehaving(t, trouble, trouble, ENTRY);

    assert.equal(await aMemory({ baseUrl: server.url }).get("k"), 1);
    assert.equal(server.requests.length, 3);
  });
}

test("a read that times out is repeated, and in the end an error", async (t) => {
  const server = await misbehaving(t, "silence");
  const memory = aMemory({ baseUrl: server.url, timeout: 0.2, retries: 1 });

  await assert.rejects(memory.get("k"), { name: "BotWireTimeoutError", isOutcomeUnknown: false });
  assert.equal(server.requests.length, 2);
});

test("retries 0 turns repeats off", async (t) => {
  const server = await misbehaving(t, UNAVAILABLE);

  await assert.rejects(aMemory({ baseUrl: server.url, retries: 0 }).get("k"), { name: "DatabaseUnavailableError" });
  assert.equal(server.requests.length, 1);
});

for (const [name, write] of Object.entries(ONCE)) {
  test(`${name} whose answer was lost is never repeated`, async (t) => {
    const [lost, late] = [await misbehaving(t, null), await misbehaving(t, "silence")];

    await assert.rejects(write(aMemory({ baseUrl: lost.url })), (error) => {
      assert.deepEqual([error.name, error.isOutcomeUnknown], ["BotWireConnectionError", true]);
      return /may or may not have happened/.test(error.message);
    });
    await assert.rejects(write(aMemory({ baseUrl: late.url, timeout: 0.2 })), {
      name: "BotWireTimeoutError",
      isOutcomeUnknown: true,
    });
    assert.deepEqual([lost.requests.length, late.requests.length], [1, 1]);
    assert.deepEqual(lost.keys, [""]);
  });
}

test("a write with a key is repeated as it was", async (t) => {
  const troubles = [null, bare(502), problem(503, "outcome_unknown"), UNAVAILABLE];
  const cases = Object.entries(REPEATABLE).flatMap(([name, write]) =>
    troubles.map((trouble) => [name, write, trouble]),
  );

  await Promise.all(
    cases.map(async ([name, write, trouble]) => {
      const server = await misbehaving(t, trouble, trouble, FORBIDDEN);

      await assert.rejects(write(aMemory({ baseUrl: server.url })), { name: "ForbiddenError" }, name);

      assert.equal(server.requests.length, 3, name);
      assert.equal(new Set(server.requests).size, 1, name);
      assert.equal(new Set(server.keys).size, 1, name);
      assert.match(server.keys[0], /^[0-9a-f]{32}$/, name);
    }),
  );
});

test("each write has a key of its own", async (t) => {
  const server = await misbehaving(t, FORBIDDEN);
  const memory = aMemory({ baseUrl: server.url });

  for (let number = 0; number < 3; number += 1) await assert.rejects(memory.append("k", 1), { name: "ForbiddenError" });

  assert.equal(new Set(server.keys).size, 3);
});

test("a write is repeated after a refusal that passes, and not after one that leaves its outcome open", async (t) => {
  const passing = await misbehaving(t, UNAVAILABLE, FORBIDDEN);
  await assert.rejects(aMemory({ baseUrl: passing.url }).set("k", 1), { name: "ForbiddenError" });
  assert.equal(passing.requests.length, 2);

  for (const open of [bare(502), bare(503), problem(503, "outcome_unknown"), problem(500, "internal_error")]) {
    const server = await misbehaving(t, open);
    await assert.rejects(aMemory({ baseUrl: server.url }).set("k", 1), { isOutcomeUnknown: true });
    assert.equal(server.requests.length, 1);
  }
  const known = await misbehaving(t, problem(507, "disk_full"));
  await assert.rejects(aMemory({ baseUrl: known.url }).set("k", 1), { isOutcomeUnknown: false });
});

test("a last answer that says nothing was written does not hide that an earlier one was lost", async (t) => {
  const server = await misbehaving(t, null, UNAVAILABLE);

  await assert.rejects(aMemory({ baseUrl: server.url, retries: 1 }).append("k", 1), {
    name: "DatabaseUnavailableError",
    isOutcomeUnknown: true,
  });
});

test("a write that found no server is repeated", async () => {
  let asked = 0;
  const counting = (...request) => ((asked += 1), fetch(...request));

  await assert.rejects(aMemory({ baseUrl: await nobody(), retries: 2, fetch: counting }).set("k", 1), {
    isOutcomeUnknown: false,
  });
  assert.equal(asked, 3);
});

test("where too many wait already, that is told at once", async (t) => {
  const server = await misbehaving(t, problem(503, "too_many_waiters", { limit: 1 }, { "Retry-After": "1" }));

  await assert.rejects(aMemory({ baseUrl: server.url }).get("k"), {
    name: "TooManyWaitersError",
    limit: 1,
    retryAfter: 1,
  });
  assert.equal(server.requests.length, 1);
});

test("Retry-After is obeyed where it is short, and ends the call where it is long", async (t) => {
  const short = await misbehaving(t, problem(503, "database_unavailable", {}, { "Retry-After": "1" }), ENTRY);
  const began = performance.now();
  assert.equal(await aMemory({ baseUrl: short.url }).get("k"), 1);
  assert.ok(performance.now() - began >= 990);

  const long = await misbehaving(t, problem(429, "daily_write_limit", {}, { "Retry-After": "31" }));
  await assert.rejects(aMemory({ baseUrl: long.url }).set("k", 1), { name: "DailyWriteLimitError", retryAfter: 31 });
  assert.equal(long.requests.length, 1);
});

test("a write whose answer was lost has one effect", async () => {
  const lossy = losing(2);
  const memory = aMemory({ fetch: lossy });

  assert.equal(await memory.increment("n"), 1);
  assert.equal(await memory.append("list", 1), 1);
  await memory.transaction((t) => t.increment("n"));

  assert.equal(lossy.lost, 2);
  assert.equal(await memory.get("n"), 2);
});

test("a signal ends a call while it is answered and while it pauses", async (t) => {
  const silent = await misbehaving(t, "silence");
  const busy = await misbehaving(t, problem(503, "database_unavailable", {}, { "Retry-After": "20" }));

  for (const server of [silent, busy]) {
    const stop = new AbortController();
    const began = performance.now();
    setTimeout(() => stop.abort(), 150);
    await assert.rejects(aMemory({ baseUrl: server.url }).get("k", { signal: stop.signal }), { name: "AbortError" });
    assert.ok(performance.now() - began < 10_000);
    await assert.rejects(aMemory({ baseUrl: server.url }).get("k", { signal: stop.signal }), { name: "AbortError" });
    assert.equal(server.requests.length, 1);
  }
});

test("an answer that breaks off is no answer", async (t) => {
  const broken = { ...ENTRY, headers: { ...ENTRY.headers, "Content-Length": "9999" } };
  const server = await misbehaving(t, broken);

  await assert.rejects(aMemory({ baseUrl: server.url, timeout: 0.5, retries: 0 }).get("k"), {
    name: "BotWireTimeoutError",
  });
});
