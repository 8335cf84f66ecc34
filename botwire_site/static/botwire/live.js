// Follows the change log: asks for what is new every few seconds, and adds it on top. The page works without.
const SECONDS = 2;
const SLOWEST = 10;
const MOST_ROWS = 300;

const head = document.getElementById("live");
const rows = document.getElementById("changes");
const state = document.getElementById("live-state");
const pause = document.getElementById("live-pause");
let wait = SECONDS;

function addressOf(name, revision) {
  const address = new URL(location.pathname, location.origin);
  address.searchParams.set(name, revision);
  return address;
}

async function ask() {
  const answer = await fetch(addressOf("since", head.dataset.newest), { redirect: "error" });
  if (!answer.ok) throw new Error(`status ${answer.status}`);
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  return { newest: page.getElementById("live").dataset.newest, rows: [...page.querySelectorAll("#changes > tr")] };
}

function show(found) {
  for (const row of rows.querySelectorAll(".new")) row.classList.remove("new");
  for (const row of found.rows) row.classList.add("new");
  rows.prepend(...found.rows.map((row) => document.adoptNode(row)));
  while (rows.rows.length > MOST_ROWS) rows.lastElementChild.remove();
  if (found.rows.length) document.getElementById("live-empty")?.remove();
  head.dataset.newest = found.newest;
  pause.href = addressOf("until", found.newest);
}

async function follow() {
  if (!document.hidden) {
    try {
      const found = await ask();
      show(found);
      wait = found.rows.length ? SECONDS : Math.min(wait + 1, SLOWEST);
      state.textContent = "Live";
    } catch (error) {
      wait = SLOWEST;
      state.textContent = `Not live: the server does not answer (${error.message}). Trying again.`;
    }
  }
  setTimeout(follow, wait * 1000);
}

state.textContent = "Live";
setTimeout(follow, wait * 1000);
