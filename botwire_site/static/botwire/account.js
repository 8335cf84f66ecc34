// Passkeys on the account pages: what the browser refuses is said on the page. The ceremony itself is django-allauth's.
document.addEventListener("allauth.error", (event) => {
  const place = document.getElementById("passkey-error");
  if (!place) return;
  event.preventDefault();
  const isCancelled = event.detail.exception?.name === "NotAllowedError";
  place.textContent = isCancelled
    ? "No passkey was used: cancelled, timed out, or none of this account is on this device."
    : `The passkey could not be used: ${event.detail.exception?.message ?? "unknown reason"}`;
  place.hidden = false;
});
