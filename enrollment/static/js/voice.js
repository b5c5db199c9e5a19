// A voice capture: the server's digits, shown, spoken, and sent as WAV.

import { Microphone } from "./microphone.js";
import { Refused, Steps, explain, goOn, say } from "./relay.js";
import { wavOf } from "./wav.js";

const LONGEST_MS = 20000;
const QUIET = 0.02;
const LOUD = 0.98;

const element = document.getElementById("voice");
const parts = Object.fromEntries(["say", "digits", "level", "hints", "start", "stop"].map((id) => [id, document.getElementById(id)]));
const steps = new Steps(element);

parts.start.addEventListener("click", async () => {
  parts.start.disabled = true;
  parts.hints.hidden = true;
  try {
    await once();
  } catch (error) {
    tell(error);
  } finally {
    parts.start.disabled = false;
    show(false);
  }
});

parts.start.disabled = false; // Only now does somebody listen.

/** One recording; where several are wanted, the next one follows with other digits. */
async function once() {
  say(parts.say, "opening");
  const microphone = await Microphone.open(hear);
  let samples;
  let begun;
  try {
    begun = await steps.begin();
    parts.digits.textContent = begun.digits;
    parts.digits.lang = begun.language ?? "";
    parts.digits.setAttribute("aria-label", [...begun.digits].join(" "));
    show(true);
    say(parts.say, "speaking");
    parts.stop.focus();
    await spoken();
  } finally {
    samples = await microphone.close();
  }
  say(parts.say, "sending");
  const answer = await steps.answerForm(formOf(begun.nonce, samples, microphone));
  if (answer.remaining > 0) return say(parts.say, "once-more");
  say(parts.say, "received");
  goOn();
}

/** Says whether it is too loud while somebody speaks; levels run from 0 to 1. */
function hear({ level, peak }) {
  parts.level.value = Math.min(1, level * 3);
  if (peak > LOUD) say(parts.say, "loud");
  else if (level > QUIET) say(parts.say, "speaking");
}

function spoken() {
  return new Promise((resolve) => {
    parts.stop.addEventListener("click", resolve, { once: true });
    setTimeout(resolve, LONGEST_MS);
  });
}

function show(recording) {
  parts.digits.hidden = parts.level.hidden = parts.stop.hidden = !recording;
  parts.start.hidden = recording;
}

function formOf(nonce, samples, { rate, settings }) {
  const form = new FormData();
  form.set("nonce", nonce);
  form.set("meta", JSON.stringify({ settings }));
  form.set("audio", wavOf(samples, rate), "voice.wav");
  return form;
}

function tell(error) {
  if (error instanceof Refused) return explain(error, parts.say, parts.hints);
  return say(parts.say, error.name === "NotAllowedError" ? "denied" : "absent");
}
