// One class for each code, with its facts; and answers that are none of BotWire's.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";

import * as botwire from "../../client/js/src/index.js";
import { json, misbehaving, nobody, problem } from "./support.mjs";

const read = (path) => readFileSync(new URL(`../../${path}`, import.meta.url), "utf8");
const DOCUMENTED = Array.from(read("docs/errors.md").matchAll(/^\| (\d{3}) \| `(\w+)` \|/gm), ([, status, code]) => [
  Number(status),
  code,
]);
const CLASSES = Object.values(botwire).filter((value) => Object.hasOwn(value, "code") && value.code);

async function failure(t, answer, options = {}) {
  const server = await misbehaving(t, answer);
  const memory = new botwire.Memory("desk", { baseUrl: server.url, retries: 0, timeout: 5, ...options });
  return memory.getEntry("tsla").then(
    () => assert.fail("no error"),
    (error) => error,
  );
}

test("there is one class for each documented code, of the same name as in Python", () => {
  const classes = read("client/src/botwire/_exceptions.py").split(/^class /m);
  const python = Object.fromEntries(
    classes.map((text) => [text.match(/^    code = "(\w+)"/m)?.[1], text.match(/^\w+/)?.[0]]),
  );

  assert.deepEqual(CLASSES.map(({ code }) => code).sort(), DOCUMENTED.map(([, code]) => code).sort());
  for (const cls of CLASSES) assert.equal(cls.name, python[cls.code]);
});

test("a refusal is of its code's class", async (t) => {
  for (const [status, code] of DOCUMENTED) {
    const error = await failure(t, problem(status, code));

    assert.equal(
      error.constructor,
      CLASSES.find((cls) => cls.code === code),
    );
    assert.deepEqual(
      [error.code, error.status, error.title, error.detail, error.nextStep, error.message],
      [code, status, "Title", "Detail.", "Next.", "Detail. Next."],
    );
  }
});

test("a refusal carries its facts", async (t) => {
  const limit = await failure(
    t,
    problem(429, "daily_write_limit", {
      limit: 1000,
      used: 1000,
      resets_at: "2026-02-01T00:00:00.000000Z",
      retry_after: 60,
    }),
  );
  const suspended = await failure(t, problem(403, "namespace_suspended", { reason: "abuse", until: null }));
  const method = await failure(t, problem(405, "method_not_allowed", { allowed: ["GET", "PUT"] }));
  const nonsense = await failure(t, problem(429, "daily_write_limit", { limit: "many", resets_at: "soon", title: 3 }));

  assert.deepEqual(
    [limit.limit, limit.used, limit.retryAfter, limit.resetsAt],
    [1000, 1000, 60, new Date("2026-02-01T00:00:00Z")],
  );
  assert.ok(limit instanceof botwire.LimitError && limit instanceof botwire.BotWireAPIError && limit instanceof Error);
  assert.deepEqual([suspended.reason, suspended.until], ["abuse", null]);
  assert.deepEqual(method.allowed, ["GET", "PUT"]);
  assert.deepEqual([nonsense.limit, nonsense.resetsAt, nonsense.title], [undefined, undefined, ""]);
});

test("a code is believed only in a problem document, and a status tells the family", async (t) => {
  const bare = { "Content-Type": "text/html" };
  const families = {
    400: "InvalidRequestError",
    401: "AccessDeniedError",
    404: "NotFoundError",
    409: "ConflictError",
    418: "BotWireAPIError",
    429: "LimitError",
    500: "ServerError",
    502: "UnavailableError",
    599: "ServerError",
  };

  for (const [status, name] of Object.entries(families)) {
    const error = await failure(t, { status: Number(status), headers: bare, body: '{"code": "key_not_found"}' });
    assert.deepEqual([error.name, error.code], [name, null]);
    assert.match(error.message, /instead of BotWire's JSON, which begins/);
  }
  assert.equal((await failure(t, problem(418, "code_of_tomorrow"))).code, "code_of_tomorrow");
});

test("what is not BotWire's is said to be so", async (t) => {
  const answers = [
    { status: 200, headers: { "Content-Type": "text/html" }, body: "<h1>Hello</h1>" },
    json(200, { key: "tsla" }),
    json(200, []),
    json(200, null),
    json(204, ""),
    { status: 302, headers: { Location: "/login" }, body: "" },
  ];

  for (const answer of answers) {
    const error = await failure(t, answer);
    assert.equal(error.name, "UnexpectedAnswerError");
    assert.equal(error.status, answer.status);
  }
  assert.match((await failure(t, answers[5])).message, /It points to \/login\./);
});

test("where no server is, the message says which and what to do", async () => {
  const baseUrl = await nobody();
  const error = await new botwire.Memory("desk", { baseUrl, retries: 0 }).set("tsla", 1).catch((caught) => caught);

  assert.deepEqual([error.name, error.method, error.isOutcomeUnknown], ["BotWireConnectionError", "PUT", false]);
  assert.ok(error.message.startsWith(`No answer from ${baseUrl}/memory/desk/tsla (PUT): connect ECONNREFUSED`));
  assert.match(error.message, /Start a server with/);
});

test("the types declare what there is, and nothing else", () => {
  const types = read("client/js/index.d.ts");
  const declared = Array.from(types.matchAll(/^export class (\w+)/gm), ([, name]) => name);

  assert.deepEqual(declared.sort(), Object.keys(botwire).sort());
  for (const cls of [botwire.Memory, botwire.Watch, botwire.Lease, botwire.Task, botwire.Transaction]) {
    const body = types.match(new RegExp(`^export class ${cls.name}\\b.*?^}`, "ms"))[0];
    const members = new Set(
      Array.from(body.matchAll(/^  (?:private )?(?:readonly )?(\w+)(?:<.*?>)?[(:]/gm), ([, name]) => name),
    );
    const own = Object.getOwnPropertyNames(cls.prototype).filter(
      (name) => !["constructor", "taken", "stop", "commit"].includes(name),
    );
    for (const name of own) assert.ok(members.has(name), `${cls.name}.${name} has no type`);
    const there = new Set([...own, "results", "revision"]);
    members.delete("constructor");
    for (const name of members) assert.ok(there.has(name), `${cls.name}.${name} is not there`);
  }
});
