// A voice capture: the server's digits, spoken, as WAV with one channel of 16 kHz. The browser's voice processing is off,
// because it changes a voice more than another microphone would.

import { Refused, Steps, explain, goOn, say } from "./relay.js";
import { wavOf } from "./wav.js";

const RATE = 16000;
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
  const microphone = await Microphone.open((loudness) => (parts.level.value = Math.min(1, loudness * 3)));
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

class Microphone {
  static async open(onLoudness) {
    const microphone = new Microphone();
    const audio = { echoCancellation: false, noiseSuppression: false, autoGainControl: false, channelCount: 1 };
    microphone.stream = await navigator.mediaDevices.getUserMedia({ audio, video: false });
    microphone.settings = microphone.stream.getAudioTracks()[0].getSettings();
    delete microphone.settings.deviceId;
    delete microphone.settings.groupId;
    const source = microphone.listen();
    await microphone.context.audioWorklet.addModule("/pages/js/recorder-worklet.js");
    await microphone.context.resume();
    const mono = { numberOfInputs: 1, numberOfOutputs: 0, channelCount: 1, channelCountMode: "explicit" };
    microphone.node = new AudioWorkletNode(microphone.context, "recorder", mono);
    microphone.blocks = [];
    microphone.node.port.onmessage = ({ data }) => {
      microphone.blocks.push(data);
      onLoudness(loudness(data));
    };
    source.connect(microphone.node);
    return microphone;
  }

  /** At our rate; a browser that cannot change a microphone's rate records at its own, and the server resamples. */
  listen() {
    this.context = new AudioContext({ sampleRate: RATE });
    try {
      return this.context.createMediaStreamSource(this.stream);
    } catch {
      this.context.close();
      this.context = new AudioContext();
      return this.context.createMediaStreamSource(this.stream);
    }
  }

  get rate() {
    return this.context.sampleRate;
  }

  /** Everything that was heard, as samples from -1 to 1. */
  async close() {
    for (const track of this.stream.getTracks()) track.stop();
    await this.context.close();
    const heard = new Float32Array(this.blocks.reduce((sum, block) => sum + block.length, 0));
    let at = 0;
    for (const block of this.blocks) {
      heard.set(block, at);
      at += block.length;
    }
    return heard;
  }
}

function loudness(block) {
  const power = block.reduce((sum, sample) => sum + sample * sample, 0) / block.length;
  const level = Math.sqrt(power);
  const peak = block.reduce((most, sample) => Math.max(most, Math.abs(sample)), 0);
  if (peak > LOUD) say(parts.say, "loud");
  else if (level > QUIET) say(parts.say, "speaking");
  return level;
}
