// A voice capture: the server's digits, shown, spoken, and sent as WAV. Who enrolls listens to each row before it is sent.

import { Microphone } from "./microphone.js";
import { Refused, Steps, explain, goOn, say } from "./relay.js";
import { wavOf } from "./wav.js";

// The server accepts twelve seconds, and digits of the last minute.
const LONGEST_MS = 11500;
const FRESH_MS = 55000;
const QUIET = 0.01;
const LOUD = 0.98;
const QUIET_AFTER_MS = 2500;

const element = document.getElementById("voice");
const names = ["say", "digits", "tongue", "level", "hints", "start", "stop", "phrases", "review", "playback", "send", "repeat"];
const parts = Object.fromEntries(names.map((name) => [name, document.getElementById(name)]));
const canListen = "canListen" in element.dataset;
const steps = new Steps(element);
let heardAt = 0;

parts.start.addEventListener("click", async () => {
  parts.start.disabled = true;
  parts.hints.hidden = true;
  try {
    await phrase();
  } catch (error) {
    tell(error);
  } finally {
    show("start");
    parts.start.disabled = false;
    parts.start.focus();
  }
});

parts.start.disabled = false; // Only now does somebody listen.

/** One row of digits, shown, spoken and sent. Where more are wanted, the button leads to the next one. */
async function phrase() {
  const begun = await steps.begin();
  const goodUntil = performance.now() + FRESH_MS;
  const recording = await chosen(begun, goodUntil);
  show("");
  if (performance.now() >= goodUntil) return say(parts.say, "late");
  say(parts.say, "sending");
  const answer = await steps.answerForm(formOf(begun.nonce, recording));
  if (answer.remaining > 0) return say(parts.say, "next");
  say(parts.say, "received");
  goOn();
}

/** A recording that the person wants to send; the same digits may be read again while they are fresh. */
async function chosen(begun, goodUntil) {
  for (;;) {
    const recording = await record(begun);
    if (!canListen || (await isWanted(recording)) || performance.now() >= goodUntil) return recording;
  }
}

async function record(begun) {
  say(parts.say, "opening");
  const microphone = await Microphone.open(hear);
  try {
    present(begun);
    say(parts.say, "speaking");
    heardAt = performance.now();
    show("stop");
    parts.stop.focus();
    await click(LONGEST_MS, parts.stop);
  } finally {
    microphone.samples = await microphone.close();
  }
  return microphone;
}

/** Says how loud it is while somebody speaks; levels run from 0 to 1. */
function hear({ level, peak }) {
  const now = performance.now();
  parts.level.value = Math.min(1, level * 3);
  if (level > QUIET) heardAt = now;
  if (peak > LOUD) say(parts.say, "loud");
  else if (now - heardAt > QUIET_AFTER_MS) say(parts.say, "quiet");
  else if (level > QUIET) say(parts.say, "speaking");
}

async function isWanted({ samples, rate }) {
  const sound = URL.createObjectURL(wavOf(samples, rate));
  parts.playback.src = sound;
  say(parts.say, "listen");
  show("review");
  parts.send.focus();
  const pressed = await click(FRESH_MS, parts.send, parts.repeat);
  parts.playback.pause();
  parts.playback.removeAttribute("src");
  URL.revokeObjectURL(sound);
  return pressed === parts.send;
}

/** The digits in two groups, which are easier to read, and which of how many rows it is. */
function present({ digits, language, phrase: number, phrases }) {
  const half = Math.ceil(digits.length / 2);
  const groups = [digits.slice(0, half), digits.slice(half)].map((group) => Object.assign(document.createElement("span"), { textContent: group }));
  parts.digits.replaceChildren(...groups);
  parts.digits.lang = language ?? "";
  parts.digits.setAttribute("aria-label", [...digits].join(" "));
  say(parts.tongue, language ?? "");
  if (!parts.phrases || !phrases) return;
  parts.phrases.dataset.sentence ??= parts.phrases.textContent;
  parts.phrases.textContent = parts.phrases.dataset.sentence.replace("{number}", number).replace("{count}", phrases);
  parts.phrases.hidden = false;
}

/** One of three states: before a recording, during it, after it; none of them while something is sent. */
function show(state) {
  parts.start.hidden = state !== "start";
  parts.stop.hidden = parts.level.hidden = state !== "stop";
  parts.digits.hidden = parts.tongue.hidden = !["stop", "review"].includes(state);
  if (parts.review) parts.review.hidden = state !== "review";
}

/** Which of the buttons was pressed first; null when none was in time. */
function click(milliseconds, ...buttons) {
  return new Promise((resolve) => {
    const done = new AbortController();
    const end = (pressed) => {
      done.abort();
      clearTimeout(timer);
      resolve(pressed);
    };
    const timer = setTimeout(end, milliseconds, null);
    for (const button of buttons) button.addEventListener("click", () => end(button), { signal: done.signal });
  });
}

function formOf(nonce, { samples, rate, settings }) {
  const form = new FormData();
  form.set("nonce", nonce);
  form.set("meta", JSON.stringify({ settings }));
  form.set("audio", wavOf(samples, rate), "voice.wav");
  return form;
}

function tell(error) {
  if (!(error instanceof Refused)) return say(parts.say, error.name === "NotAllowedError" ? "denied" : "absent");
  // Judged already, and not accepted: the page behind says how often it may be tried again.
  if (error.slug === "challenge-failed") return goOn();
  // Neither accepted nor refused: a second row decides.
  const again = error.codes.indexOf("say_another");
  if (again >= 0) error.hints.splice(again, 1);
  explain(error, parts.say, parts.hints);
  if (again >= 0) say(parts.say, "once-more");
}
