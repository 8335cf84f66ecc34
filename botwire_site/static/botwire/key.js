// What a script can add to the page of a key: how long an entry still lives, second by second.
const UNITS = [["d", 86400], ["h", 3600], ["min", 60], ["s", 1]];

function inWords(seconds) {
  const first = UNITS.findIndex(([, size]) => seconds >= size);
  if (first < 0) return "now";
  return UNITS.slice(first, first + 2)
    .map(([unit, size], at) => `${Math.floor((at ? seconds % UNITS[first][1] : seconds) / size)} ${unit}`)
    .join(" ");
}

function tick() {
  for (const place of document.querySelectorAll(".countdown")) {
    const left = Math.floor((new Date(place.dataset.until) - Date.now()) / 1000);
    place.textContent = left > 0 ? `in ${inWords(left)}` : "expired: readers cannot see it";
  }
}

if (document.querySelector(".countdown")) {
  tick();
  setInterval(tick, 1000);
}
