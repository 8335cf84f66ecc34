// Keeps the preview up to date while a status is being chosen: asks for the page that "Preview" would open.
"use strict";

const form = document.getElementById("status-form");
let waiting = 0;
let asked = null;

function previewAddress() {
  const fields = new URLSearchParams(new FormData(form));
  return `${location.pathname}?${fields}`;
}

async function showPreview() {
  asked?.abort();
  asked = new AbortController();
  try {
    const answer = await fetch(previewAddress(), { signal: asked.signal, redirect: "error" });
    if (!answer.ok) return;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    document.getElementById("preview").replaceChildren(...page.getElementById("preview").childNodes);
  } catch {
    // The button still previews.
  }
}

form.addEventListener("input", () => {
  clearTimeout(waiting);
  waiting = setTimeout(showPreview, 300);
});
