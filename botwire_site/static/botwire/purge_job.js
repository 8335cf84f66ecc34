// Follows a purge, every two seconds, and does its next batches where no background worker does.
"use strict";

const SECONDS = 2;

function current() {
  return document.getElementById("progress");
}

function ask() {
  if (current().dataset.needsDriver === "no") return fetch(location.href, { redirect: "error" });
  const fields = new FormData(current().querySelector("form"));
  fields.set("do", "advance");
  return fetch(location.href, { method: "POST", body: fields });
}

async function follow() {
  try {
    const answer = await ask();
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const next = page.getElementById("progress");
    const held = document.activeElement?.closest("#progress") && document.activeElement.value;
    if (next) current().replaceWith(document.adoptNode(next));
    if (held) current().querySelector(`button[value="${held}"]`)?.focus();
  } catch {
    // Asked again in a moment.
  }
  if (current().dataset.running === "yes") setTimeout(follow, SECONDS * 1000);
}

if (current().dataset.running === "yes") setTimeout(follow, SECONDS * 1000);
