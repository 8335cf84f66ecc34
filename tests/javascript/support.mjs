// What the tests share: memories in namespaces of their own, and servers that misbehave.

import { randomUUID } from "node:crypto";
import { createServer } from "node:http";

import { Memory } from "../../client/js/src/index.js";

export const { BOTWIRE_URL, BOTWIRE_CRAMPED_URL } = process.env;
export const CORPUS = JSON.parse(process.env.BOTWIRE_CORPUS);

export const aNamespace = () => `test-${randomUUID()}`;
export const aMemory = (options = {}) => new Memory(aNamespace(), { baseUrl: BOTWIRE_URL, ...options });
/** Another client of the same memory. */
export const beside = (memory, options = {}) => new Memory(memory.namespace, { baseUrl: BOTWIRE_URL, ...options });

/** All that an async iterator gives. */
export async function all(iterator) {
  const found = [];
  for await (const item of iterator) found.push(item);
  return found;
}

/** `fetch`, but the answers to the first `times` writes are lost on the way back. */
export function losing(times = 1) {
  const lossy = async (url, options) => {
    const answer = await fetch(url, options);
    if (options.method === "GET" || lossy.lost >= times) return answer;
    lossy.lost += 1;
    throw new TypeError("fetch failed", {
      cause: Object.assign(new Error("other side closed"), { code: "UND_ERR_SOCKET" }),
    });
  };
  lossy.lost = 0;
  return lossy;
}

export const problem = (status, code, members = {}, headers = {}) => ({
  status,
  headers: { "Content-Type": "application/problem+json", ...headers },
  body: JSON.stringify({ title: "Title", status, code, detail: "Detail.", next_step: "Next.", ...members }),
});

export const json = (status, value, headers = {}) => ({
  status,
  headers: { "Content-Type": "application/json", ...headers },
  body: JSON.stringify(value),
});

/**
 * A server that gives each request the next of `answers`, the last one again and again: `{ status, headers, body }`,
 * null to break off, "silence" to say nothing. It ends with the test `t`; `requests` are what came, `keys` their
 * Idempotency-Keys.
 */
export async function misbehaving(t, ...answers) {
  const [requests, keys] = [[], []];
  const server = createServer((request, response) => {
    requests.push(`${request.method} ${request.url}`);
    keys.push(request.headers["idempotency-key"] ?? "");
    const answer = answers.length > 1 ? answers.shift() : answers[0];
    if (answer === "silence") return;
    if (answer === null) return void request.socket.destroy();
    response.writeHead(answer.status, answer.headers).end(answer.body);
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => (server.closeAllConnections(), server.close()));
  return { requests, keys, url: `http://127.0.0.1:${server.address().port}` };
}

/** The address of a server that was there a moment ago. */
export async function nobody() {
  const server = createServer();
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return `http://127.0.0.1:${port}`;
}
