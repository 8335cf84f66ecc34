// The playground: four calls of the JavaScript client to this server's own API, shown as curl, answered in words and as
// they came.

import { BotWireAPIError, BotWireConnectionError, Memory, RawJSON } from "./client/index.js";

const HEADERS = ["Content-Type", "ETag", "RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset", "Retry-After"];
/** A list shows one page. */
const KEYS_PER_PAGE = 1_000;

const playground = document.querySelector("[data-playground]");
const form = playground.querySelector("form");
const part = (name) => playground.querySelector(`[data-${name}]`);

/** What each button does, and says where it went well. A set stores the text as it is typed, so that 1e3 stays 1e3. */
const ACTIONS = {
  async set(memory, { key, value }) {
    const { version } = await memory.set(key, new RawJSON(value));
    return `Stored as version ${version}.`;
  },
  async get(memory, { key }) {
    const { version } = await memory.getEntry(key);
    return `The entry is at version ${version}.`;
  },
  async list(memory) {
    const keys = await memory.list("", { limit: KEYS_PER_PAGE });
    return `${count(keys.length, "key")}${keys.length < KEYS_PER_PAGE ? "" : ", and there may be more"}.`;
  },
  async delete(memory, { key }) {
    return (await memory.delete(key)) ? "Deleted." : "There was nothing to delete.";
  },
};

/** Why a call is not worth making, in words; empty where it is. */
function faultOf(action, { namespace, key, value }) {
  if (!namespace) return "Give a namespace: the name that your agents share.";
  if (action !== "list" && !key) return "Give a key, such as user:42.";
  if (action === "set" && !isJSON(value)) return 'The value is not JSON. Text stands in double quotes: "like this".';
  return "";
}

function isJSON(text) {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

const quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;

function asCurl(url, { method, body }) {
  const parts = ["curl"];
  if (method !== "GET") parts.push("-X", method);
  parts.push(quoted(url));
  if (body !== undefined) parts.push("\\\n  -H 'Content-Type: application/json' \\\n  -d", quoted(body));
  return parts.join(" ");
}

/** What is left of the day's writes, in a sentence, where the answer tells. */
function budgetOf(answer) {
  const left = answer?.headers.get("RateLimit-Remaining") ?? null;
  return left === null ? "" : ` ${count(Number(left), "write")} left today.`;
}

/** Why it did not go well, in words. */
function troubleInWords(error) {
  if (error instanceof BotWireAPIError && error.title) return `${error.title}. ${error.message}`;
  if (error instanceof BotWireConnectionError) {
    return "The server did not answer. Is it running, and are you online? Try again in a moment.";
  }
  return error.message;
}

const count = (number, what) => `${number.toLocaleString("en")} ${what}${number === 1 ? "" : "s"}`;

function say(words, isFault) {
  part("said").textContent = words;
  part("said").classList.toggle("bad", isFault);
}

/** Sends as fetch does, and shows what was sent and what came back; `shown.answer` is the last that did. */
function showing(shown) {
  return async (url, options) => {
    part("curl").textContent = asCurl(url, options);
    part("answered").hidden = true;
    const answer = await fetch(url, options);
    showAnswer(answer, await answer.clone().text());
    shown.answer = answer;
    return answer;
  };
}

function showAnswer(answer, text) {
  part("status").textContent = `${answer.status} ${answer.statusText}`.trim();
  part("status").classList.toggle("suspended", !answer.ok);
  part("headers").replaceChildren(...HEADERS.filter((name) => answer.headers.has(name)).map((name) => {
    const row = document.createElement("div");
    const [term, value] = [document.createElement("dt"), document.createElement("dd")];
    [term.textContent, value.textContent] = [name, answer.headers.get(name)];
    row.append(term, value);
    return row;
  }));
  part("body").textContent = text;
  part("answered").hidden = false;
}

async function ask(action) {
  const fields = Object.fromEntries(new FormData(form));
  const fault = faultOf(action, fields);
  if (fault) return say(fault, true);
  playground.setAttribute("aria-busy", "true");
  const shown = {};
  try {
    const memory = new Memory(fields.namespace, { baseUrl: location.origin, retries: 0, fetch: showing(shown) });
    part("namespace-page").href = `/n/${encodeURIComponent(fields.namespace)}/`;
    const said = await ACTIONS[action](memory, fields);
    say(said + budgetOf(shown.answer), false);
  } catch (error) {
    say(troubleInWords(error), true);
  } finally {
    playground.setAttribute("aria-busy", "false");
  }
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  ask(event.submitter?.value ?? "set");
});
playground.hidden = false;
