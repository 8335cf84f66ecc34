// The playground: four requests to this server's own API, shown as curl, answered in words and as they came.

const HEADERS = ["Content-Type", "ETag", "RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset", "Retry-After"];

const playground = document.querySelector("[data-playground]");
const form = playground.querySelector("form");
const part = (name) => playground.querySelector(`[data-${name}]`);

/** What a button asks for: method, path, and the body of a set as it is typed, so that 1e3 stays 1e3. */
function requestOf(action, { namespace, key, value }) {
  const memory = `/memory/${encodeURIComponent(namespace)}`;
  const entry = `${memory}/${encodeURIComponent(key)}`;
  switch (action) {
    case "set": return { method: "PUT", path: entry, body: `{"value": ${value}}` };
    case "get": return { method: "GET", path: entry };
    case "delete": return { method: "DELETE", path: entry };
    default: return { method: "GET", path: memory };
  }
}

/** Why a request is not worth sending, in words; empty where it is. */
function faultOf(action, { namespace, key, value }) {
  if (!namespace) return "Give a namespace: the name that your agents share.";
  if (action !== "list" && !key) return "Give a key, such as user:42.";
  // A browser rewrites these in addresses, and would ask for something else.
  if ([namespace, key].some((name) => name === "." || name === "..")) return "Neither . nor .. is a name.";
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

function asCurl({ method, path, body }) {
  const parts = ["curl"];
  if (method !== "GET") parts.push("-X", method);
  parts.push(quoted(location.origin + path));
  if (body !== undefined) parts.push("\\\n  -H 'Content-Type: application/json' \\\n  -d", quoted(body));
  return parts.join(" ");
}

/** An answer in one sentence. */
function inWords(action, answer, text) {
  if (!answer.ok) return problemInWords(answer, text);
  const body = JSON.parse(text);
  const left = answer.headers.get("RateLimit-Remaining");
  const budget = left === null ? "" : ` ${count(Number(left), "write")} left today.`;
  switch (action) {
    case "set": return `Stored as version ${body.version}.${budget}`;
    case "get": return `The entry is at version ${body.version}.`;
    case "delete": return `Deleted.${budget}`;
    default: return `${count(body.count, "key")}${body.next_cursor ? " on this page; there are more" : ""}.`;
  }
}

function problemInWords(answer, text) {
  try {
    const { title, detail, next_step: next } = JSON.parse(text);
    return `${title}. ${detail} ${next}`;
  } catch {
    return `The server answered ${answer.status}, and nothing that BotWire says.`;
  }
}

const count = (number, what) => `${number.toLocaleString("en")} ${what}${number === 1 ? "" : "s"}`;

function say(words, isFault) {
  part("said").textContent = words;
  part("said").classList.toggle("bad", isFault);
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
  const request = requestOf(action, fields);
  part("curl").textContent = asCurl(request);
  part("namespace-page").href = `/n/${encodeURIComponent(fields.namespace)}/`;
  playground.setAttribute("aria-busy", "true");
  try {
    const { method, path, body } = request;
    const headers = body === undefined ? {} : { "Content-Type": "application/json" };
    const answer = await fetch(path, { method, body, headers, cache: "no-store" });
    const text = await answer.text();
    showAnswer(answer, text);
    say(inWords(action, answer, text), !answer.ok);
  } catch {
    part("answered").hidden = true;
    say("The server did not answer. Is it running, and are you online? Try again in a moment.", true);
  } finally {
    playground.setAttribute("aria-busy", "false");
  }
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  ask(event.submitter?.value ?? "set");
});
playground.hidden = false;
