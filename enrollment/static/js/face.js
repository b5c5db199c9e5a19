// A face capture: at rest, then the gestures that the server chose, one after the other; then everything is sent at once.

import { Camera } from "./camera.js";
import { Refused, Steps, explain, goOn, say } from "./relay.js";

// The judge wants a resting face first, at least two frames of every gesture, and no gap of a second.
const REST = { frames: 4, every: 300 };
const GESTURE = { frames: 6, every: 450 };
const STILL = { frames: 6, every: 350 };

const element = document.getElementById("face");
const parts = Object.fromEntries(
  ["video", "say", "advice", "hints", "start", "record", "arrow", "lens"].map((id) => [id, document.getElementById(id)]),
);
const way = document.querySelector(".oval-way");
const camera = new Camera(parts.video);
const steps = new Steps(element);
let watching = 0;

parts.start.addEventListener("click", turnOn);
parts.record.addEventListener("click", record);
addEventListener("pagehide", () => camera.close());
parts.start.disabled = false; // Only now does somebody listen.

async function turnOn() {
  parts.start.disabled = true;
  say(parts.say, "opening");
  try {
    await camera.open();
  } catch (error) {
    say(parts.say, error.name === "NotAllowedError" ? "denied" : "absent");
    parts.start.disabled = false;
    return;
  }
  parts.start.hidden = true;
  parts.record.hidden = false;
  parts.record.focus();
  say(parts.say, "ready");
  watch();
}

/** Says how the light is while nothing is recorded; a sentence is only said when it changes. */
function watch() {
  let said = "";
  watching = setInterval(() => {
    const advice = camera.advice();
    if (advice !== said) say(parts.advice, advice);
    said = advice;
  }, 500);
}

async function record() {
  clearInterval(watching);
  parts.record.disabled = true;
  parts.advice.textContent = "";
  parts.hints.hidden = true;
  try {
    const begun = await steps.begin();
    const frames = await take(begun.gestures ?? []);
    say(parts.say, "sending");
    await steps.answerForm(formOf(begun.nonce, frames));
    say(parts.say, "received");
    camera.close();
    goOn();
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    // Judged already, and not accepted: the page behind says how often it may be tried again.
    if (error.slug === "challenge-failed") return goOn();
    explain(error, parts.say, parts.hints);
    parts.record.disabled = false;
    parts.record.focus();
    watch();
  } finally {
    show("", 0);
  }
}

async function take(gestures) {
  const plan = gestures.length
    ? [{ name: "ahead", ...REST }, ...gestures.map((name) => ({ name, ...GESTURE }))]
    : [{ name: "still", ...STILL }];
  const frames = [];
  await pause(400);
  for (const [index, { name, frames: count, every }] of plan.entries()) {
    say(parts.say, name);
    show(name, (100 * index) / plan.length);
    for (let taken = 0; taken < count; taken += 1) {
      await pause(every);
      frames.push(await camera.frame());
    }
  }
  show("", 100);
  return frames;
}

function show(gesture, share) {
  parts.arrow.className = `arrow ${gesture}`;
  way.setAttribute("stroke-dasharray", `${share} 100`);
}

function formOf(nonce, frames) {
  const form = new FormData();
  const first = frames[0].takenAt;
  form.set("nonce", nonce);
  form.set("meta", JSON.stringify({ taken_at_ms: frames.map((frame) => Math.round(frame.takenAt - first)) }));
  for (const { picture } of frames) form.append("frame", picture, "frame.jpg");
  return form;
}

function pause(milliseconds) {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
