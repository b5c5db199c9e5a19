// How far a backtest is, until it is over; then the page with what it found.

import { fragment } from "./fragment.js";

const EVERY = 1000;
const MOST = 15000; // After an outage one asks less often.

let wait = EVERY;
setTimeout(look, wait);

async function look() {
  try {
    const seen = await fragment(location.pathname, "#progress");
    if (seen.dataset.over === "yes") return location.replace(location.pathname);
    document.getElementById("progress").replaceWith(seen);
    wait = EVERY;
  } catch {
    wait = Math.min(MOST, wait * 2);
  }
  setTimeout(look, wait);
}
