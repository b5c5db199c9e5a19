// A face capture: one gesture at a time. The next one is shown when the frames of the one before have come in, and the camera
// never stops in between, so that the judges see one movement from beginning to end.

import { Camera } from "./camera.js";
import { Recorder } from "./recorder.js";
import { Refused, Steps, explain, goOn, say } from "./relay.js";

// The judges want ten frames a second of a gesture, and no hole of a quarter of a second at any time. Of a part's thirty frames
// a gesture takes twenty-one: the others last for a second and a half of waiting for the network and the judges.
const PACE = { gesture: 95, waiting: 215 };
const MOST = 30;
const MOVING = 1200; // Until the person is asked to look ahead again.
const GESTURE = 2000;
const STILL = { frames: 6, every: 350 };
const STEADY = 5; // So many good looks in a row, half a second apart, and it begins by itself.

const element = document.getElementById("face");
const parts = Object.fromEntries(
  ["video", "say", "advice", "hints", "start", "record", "stop", "swap", "arrow", "lens", "ticks"].map((id) => [
    id,
    document.getElementById(id),
  ]),
);
const way = document.querySelector(".oval-way");
const camera = new Camera(parts.video);
const steps = new Steps(element);
let watching = 0;
let swapping = false;
let hurry = () => {};

parts.start.addEventListener("click", turnOn);
parts.record.addEventListener("click", record);
parts.stop.addEventListener("click", turnOff);
parts.swap.addEventListener("click", () => {
  swapping = true;
  parts.swap.hidden = true;
  hurry();
});
addEventListener("pagehide", () => camera.close());
addEventListener("keydown", (event) => {
  if (event.key === "Escape" && element.classList.contains("is-on")) turnOff();
});
parts.start.disabled = false; // Only now does somebody listen.

async function turnOn() {
  parts.start.disabled = true;
  say(parts.say, "opening");
  try {
    await camera.open();
  } catch (error) {
    say(parts.say, error.name === "NotAllowedError" ? "denied" : "absent");
    parts.lens.hidden = true; // Nothing will be seen there: the other ways come into sight.
    parts.start.disabled = false;
    return;
  }
  parts.lens.hidden = false;
  element.classList.add("is-on");
  leaveAlone(element);
  parts.start.hidden = true;
  parts.record.hidden = parts.stop.hidden = false;
  parts.record.focus();
  say(parts.say, "ready");
  watch(true);
}

/** What lies behind the camera's own ground is out of reach for keys and readers too, until the page goes on. */
function leaveAlone(shown) {
  for (let each = shown; each !== document.body; each = each.parentElement) {
    for (const other of each.parentElement.children) other.inert ||= other !== each;
  }
}

function turnOff() {
  clearInterval(watching);
  location.reload();
}

/** Says how the light is while nothing is recorded; a sentence is only said when it changes. */
function watch(alone) {
  let said = "";
  let good = 0;
  watching = setInterval(() => {
    const advice = camera.advice();
    // One instruction at a time: beside what was wrong with a recording nothing else is said.
    const shown = parts.hints.hidden ? advice : "";
    if (shown !== said) say(parts.advice, shown);
    said = shown;
    good = advice === "good" ? good + 1 : 0;
    if (alone && good >= STEADY) record();
  }, 500);
}

async function record() {
  if (parts.record.disabled) return;
  clearInterval(watching);
  parts.record.disabled = parts.record.hidden = true;
  parts.advice.textContent = "";
  parts.hints.hidden = true;
  const recorder = new Recorder(camera);
  try {
    const begun = await steps.begin();
    if ((begun.gestures ?? []).length) await showAll(begun, recorder);
    else await steps.answerForm(formOf(begun.nonce, await still()));
    say(parts.say, "received");
    camera.close();
    goOn();
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    // Judged already, and not accepted: the page behind says how often it may be tried again.
    if (["challenge-failed", "challenge-closed"].includes(error.slug)) return goOn();
    explain(error, parts.say, parts.hints);
    parts.record.disabled = parts.record.hidden = false;
    parts.record.focus();
    watch(false);
  } finally {
    await recorder.stop();
    parts.swap.hidden = true;
    show("", 0);
  }
}

/** Part by part, until the last one is received. */
async function showAll(shown, recorder) {
  recorder.start(PACE.waiting);
  while (shown.state !== "received") {
    const form = await onePart(shown, recorder);
    say(parts.say, "next");
    tick(shown.part, shown.parts);
    shown = await steps.answerForm(form);
  }
}

async function onePart(shown, recorder) {
  const [gesture] = shown.gestures;
  const promptedAt = performance.now();
  swapping = false;
  parts.swap.hidden = !shown.can_swap;
  tick(shown.part - 1, shown.parts);
  say(parts.say, "ahead");
  await pause(shown.pause_ms);
  recorder.every = PACE.gesture;
  say(parts.say, gesture);
  const share = (done) => (100 * (shown.part - 1 + done)) / shown.parts;
  show(gesture, share(0.2));
  await pause(MOVING);
  say(parts.say, "ahead");
  show("", share(0.8));
  await pause(GESTURE - MOVING);
  recorder.every = PACE.waiting;
  return formOf(shown.nonce, await recorder.take(MOST), { promptedAt, swap: swapping });
}

async function still() {
  say(parts.say, "still");
  const frames = [];
  for (let taken = 0; taken < STILL.frames; taken += 1) {
    await pause(STILL.every);
    frames.push(await camera.frame());
    show("still", (100 * (taken + 1)) / STILL.frames);
  }
  say(parts.say, "sending");
  return frames;
}

function show(gesture, share) {
  parts.arrow.className = `arrow ${gesture}`;
  way.setAttribute("stroke-dasharray", `${share} 100`);
}

/** A tick for each gesture that is done. */
function tick(done, all) {
  const marks = Array.from({ length: all }, (_, at) => {
    const mark = document.createElement("li");
    mark.className = at < done ? "is-done" : "";
    return mark;
  });
  parts.ticks.replaceChildren(...marks);
  if (done && !matchMedia("(prefers-reduced-motion: reduce)").matches) navigator.vibrate?.(30);
}

const opened = Math.round(performance.now());

/** Instants are whole milliseconds of one clock, from the opening of the page on. */
function formOf(nonce, frames, { promptedAt, swap } = {}) {
  const form = new FormData();
  const instant = (at) => Math.round(at) - opened;
  form.set("nonce", nonce);
  const meta = { taken_at_ms: frames.map((frame) => instant(frame.takenAt)) };
  if (promptedAt !== undefined) {
    Object.assign(meta, { prompted_at_ms: instant(promptedAt), sent_at_ms: instant(performance.now()) });
  }
  if (swap) meta.swap = true;
  form.set("meta", JSON.stringify(meta));
  for (const { picture } of frames) form.append("frame", picture, "frame.jpg");
  return form;
}

/** Some time, or less once another movement is wanted. */
function pause(milliseconds) {
  if (swapping) return Promise.resolve();
  return new Promise((resolve) => {
    hurry = resolve;
    setTimeout(resolve, milliseconds);
  });
}
