// Chance, for keys that nobody else has and for pauses that nobody else makes. Nothing here is a secret.

/** 32 hexadecimal digits. */
export function randomHex() {
  return Array.from(randomBytes(16), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** A number from `low` to below `high`. */
export function between(low, high) {
  return low + Math.random() * (high - low);
}

function randomBytes(count) {
  const bytes = new Uint8Array(count);
  // Node 18 has no global `crypto`.
  return globalThis.crypto?.getRandomValues(bytes) ?? bytes.map(() => Math.floor(between(0, 256)));
}
