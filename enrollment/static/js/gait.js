// A recording of a walk: the sensors are asked for at a press, the phone goes into a pocket, and what was recorded is sent by itself.
// The judges take thousandths of a standard gravity, x, y, z after x, y, z, as 16-bit integers.

import { Refused, Steps, explain, goOn, say } from "./relay.js";

const GRAVITY = 9.80665;
const POCKET_MS = 4000;
const SILENT_MS = 3000; // A device without sensors says nothing at all.
const MOST_RATE = 100;

const element = document.getElementById("gait");
const parts = Object.fromEntries(["say", "hints", "start", "stop", "walked"].map((id) => [id, document.getElementById(id)]));
const steps = new Steps(element);

parts.start.addEventListener("click", async () => {
  show(true);
  parts.hints.hidden = true;
  try {
    await walk();
  } catch (error) {
    if (error instanceof Refused) explain(error, parts.say, parts.hints);
    else say(parts.say, error.message);
  } finally {
    show(false);
  }
});

parts.start.disabled = false; // Only now does somebody listen.

async function walk() {
  // Asked within the press itself, or Safari does not ask.
  const allowed = (await globalThis.DeviceMotionEvent?.requestPermission?.().catch(() => "denied")) ?? "granted";
  if (allowed !== "granted") throw new Error("denied");
  const begun = await steps.begin();
  const awake = await navigator.wakeLock?.request("screen").catch(() => null);
  try {
    const { rate, samples } = await recorded(begun.seconds * 1000);
    navigator.vibrate?.(400);
    say(parts.say, "sending");
    await steps.answer({ nonce: begun.nonce, rate, samples });
    say(parts.say, "received");
    goOn();
  } finally {
    await awake?.release();
  }
}

/** Motion from the pocket on, for so long; rejects where the device is silent or somebody stops it. */
function recorded(milliseconds) {
  const motions = [];
  const done = new AbortController();
  const begins = performance.now() + POCKET_MS;
  say(parts.say, "pocket");
  return new Promise((resolve, reject) => {
    const silent = setTimeout(() => motions.length || reject(new Error("absent")), POCKET_MS + SILENT_MS);
    const hear = ({ accelerationIncludingGravity: felt, timeStamp }) => {
      if (felt?.x == null || timeStamp < begins) return;
      if (!motions.length) say(parts.say, "walking");
      motions.push({ at: timeStamp, felt: [felt.x, felt.y, felt.z] });
      parts.walked.value = (timeStamp - begins) / milliseconds;
      if (timeStamp - begins >= milliseconds) resolve(sampled(motions));
    };
    addEventListener("devicemotion", hear, { signal: done.signal });
    parts.stop.addEventListener("click", () => reject(new Error("stopped")), { signal: done.signal });
    done.signal.addEventListener("abort", () => clearTimeout(silent));
  }).finally(() => done.abort());
}

/** At an even rate: what was felt last before each instant, so that nothing is made up between two. */
function sampled(motions) {
  const [first, last] = [motions[0].at, motions.at(-1).at];
  const rate = Math.min(MOST_RATE, (1000 * (motions.length - 1)) / (last - first));
  const count = Math.floor(((last - first) * rate) / 1000) + 1;
  const numbers = new DataView(new ArrayBuffer(count * 6));
  for (let number = 0, place = 0; number < count; number += 1) {
    while (place + 1 < motions.length && motions[place + 1].at <= first + (1000 * number) / rate) place += 1;
    motions[place].felt.forEach((felt, axis) => {
      const thousandths = Math.round((1000 * felt) / GRAVITY);
      numbers.setInt16(number * 6 + axis * 2, Math.max(-32768, Math.min(32767, thousandths)), true);
    });
  }
  return { rate, samples: base64(new Uint8Array(numbers.buffer)) };
}

function base64(bytes) {
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return btoa(text);
}

function show(walking) {
  parts.start.hidden = walking;
  parts.stop.hidden = parts.walked.hidden = !walking;
  parts.walked.value = 0;
  (walking ? parts.stop : parts.start).focus();
}
