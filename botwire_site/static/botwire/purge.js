// Enables the button of a purge once the namespace's name is typed. The server checks it, too.
"use strict";

const form = document.getElementById("purge-form");

if (form) {
  const typed = form.elements.confirm;
  const button = form.querySelector("button[type=submit]");
  const check = () => {
    button.disabled = typed.value.trim() !== form.dataset.name;
  };
  typed.addEventListener("input", check);
  window.addEventListener("pageshow", check); // after "back", a browser fills the field in again
  check();
}
