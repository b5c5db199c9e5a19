// A voice capture: one press shows the server's digits and records; the end of speech is heard, and the row is sent as WAV by
// itself. Who enrolls may listen to a row that was not accepted.

import { Microphone } from "./microphone.js";
import { Refused, Steps, explain, goOn, say } from "./relay.js";
import { wavOf } from "./wav.js";

// The server accepts twelve seconds, and digits of the last minute.
const LONGEST_MS = 11500;
const FRESH_MS = 55000;
const QUIET = 0.01;
const LOUD = 0.98;
const QUIET_AFTER_MS = 2500;
// Speech stands so far out of what the room sounds like, lasts so long in all, and is over after such a pause.
const OVER_THE_ROOM = 2.5;
const SPOKEN_MS = 900;
const ENDED_MS = 1400;
const CHARACTERS = "零一二三四五六七八九";

const element = document.getElementById("voice");
const names = ["say", "digits", "tongue", "level", "hints", "start", "stop", "phrases", "review", "playback"];
const parts = Object.fromEntries(names.map((name) => [name, document.getElementById(name)]));
const canListen = "canListen" in element.dataset;
const steps = new Steps(element);
let heard = null;
let sound = "";

parts.start.addEventListener("click", async () => {
  parts.start.disabled = true;
  parts.hints.hidden = true;
  let failed = null;
  try {
    await phrase();
  } catch (error) {
    tell(error);
    failed = error;
  } finally {
    show(failed instanceof Refused && sound && canListen ? "review" : "start");
    parts.start.disabled = false;
    parts.start.focus();
  }
});

parts.start.disabled = false; // Only now does somebody listen.

/** One row of digits, shown, spoken and sent. Where more are wanted, the button leads to the next one. */
async function phrase() {
  forget();
  const begun = await steps.begin();
  const goodUntil = performance.now() + FRESH_MS;
  const recording = await record(begun);
  show("");
  if (performance.now() >= goodUntil) return say(parts.say, "late");
  say(parts.say, "sending");
  remember(recording);
  const answer = await steps.answerForm(formOf(begun.nonce, recording));
  forget();
  if (answer.remaining > 0) {
    count(begun.phrases - answer.remaining + 1, begun.phrases);
    return say(parts.say, "next");
  }
  say(parts.say, "received");
  goOn();
}

async function record(begun) {
  say(parts.say, "opening");
  const microphone = await Microphone.open(hear);
  try {
    present(begun);
    say(parts.say, "speaking");
    heard = { at: performance.now(), last: performance.now(), spoken: 0, room: 1, ended: () => {} };
    show("stop");
    parts.stop.focus();
    await Promise.race([click(LONGEST_MS, parts.stop), new Promise((resolve) => (heard.ended = resolve))]);
  } finally {
    heard = null;
    microphone.samples = await microphone.close();
  }
  return microphone;
}

/** Says how loud it is while somebody speaks, and hears when they have ended; levels run from 0 to 1. */
function hear({ level, peak }) {
  parts.level.value = Math.min(1, level * 3);
  if (!heard) return;
  const now = performance.now();
  const spoken = level > Math.max(QUIET, OVER_THE_ROOM * heard.room);
  // The quietest so far is the room; it may grow louder.
  heard.room = Math.min(level, heard.room * 1.02 + 0.0002);
  if (spoken) {
    heard.spoken += Math.min(100, now - heard.last);
    heard.at = now;
  }
  heard.last = now;
  if (peak > LOUD) say(parts.say, "loud");
  else if (now - heard.at > QUIET_AFTER_MS) say(parts.say, "quiet");
  else if (spoken) say(parts.say, "speaking");
  if (heard.spoken >= SPOKEN_MS && now - heard.at > ENDED_MS) heard.ended();
}

/** The last recording, to listen to where it was not accepted. */
function remember({ samples, rate }) {
  sound = URL.createObjectURL(wavOf(samples, rate));
  if (parts.playback) parts.playback.src = sound;
}

function forget() {
  if (sound) URL.revokeObjectURL(sound);
  sound = "";
  parts.playback?.pause();
  parts.playback?.removeAttribute("src");
}

/** The digits in two groups, which are easier to read, and which of how many rows it is. */
function present({ digits, language, phrase: number, phrases }) {
  const half = Math.ceil(digits.length / 2);
  const write = language?.startsWith("zh") ? withCharacters : (group) => [group];
  parts.digits.replaceChildren(...[digits.slice(0, half), digits.slice(half)].map((group) => made("span", ...write(group))));
  parts.digits.lang = language ?? "";
  parts.digits.setAttribute("aria-label", [...digits].join(" "));
  say(parts.tongue, language ?? "");
  count(number, phrases);
}

/** Each digit with the character under which it is read. */
function withCharacters(group) {
  return [...group].map((digit) => made("ruby", digit, made("rt", CHARACTERS[digit])));
}

function made(name, ...children) {
  const node = document.createElement(name);
  node.append(...children);
  return node;
}

function count(number, phrases) {
  if (!parts.phrases || !phrases) return;
  parts.phrases.dataset.sentence ??= parts.phrases.textContent;
  parts.phrases.textContent = parts.phrases.dataset.sentence.replace("{number}", number).replace("{count}", phrases);
  parts.phrases.hidden = false;
}

/** Before a recording, during it, or after one that was not accepted; none of them while something is sent. */
function show(state) {
  parts.start.hidden = !["start", "review"].includes(state);
  parts.stop.hidden = parts.level.hidden = parts.digits.hidden = parts.tongue.hidden = state !== "stop";
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
