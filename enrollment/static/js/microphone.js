// What a microphone hears, as samples of one channel. The browser's voice processing is off, because it changes a voice more
// than another microphone would.

const RATE = 16000;
const UNPROCESSED = { echoCancellation: false, noiseSuppression: false, autoGainControl: false, channelCount: 1 };
const MONO = { numberOfInputs: 1, numberOfOutputs: 0, channelCount: 1, channelCountMode: "explicit" };

export class Microphone {
  /** Rejects with `NotAllowedError` where the person or a policy says no. `onHearing` gets `level` and `peak`, 0 to 1. */
  static async open(onHearing) {
    const stream = await navigator.mediaDevices.getUserMedia({ audio: UNPROCESSED, video: false });
    const microphone = new Microphone(stream);
    await microphone.#listen(onHearing);
    return microphone;
  }

  constructor(stream) {
    this.stream = stream;
    this.blocks = [];
    const { deviceId, groupId, ...settings } = stream.getAudioTracks()[0].getSettings();
    this.settings = settings;
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

  async #listen(onHearing) {
    const source = this.#source();
    await this.context.audioWorklet.addModule("/pages/js/recorder-worklet.js");
    await this.context.resume();
    const recorder = new AudioWorkletNode(this.context, "recorder", MONO);
    recorder.port.onmessage = ({ data }) => {
      this.blocks.push(data);
      onHearing(loudness(data));
    };
    source.connect(recorder);
  }

  /** At our rate; a browser that cannot change a microphone's rate records at its own, and the server resamples. */
  #source() {
    this.context = new AudioContext({ sampleRate: RATE });
    try {
      return this.context.createMediaStreamSource(this.stream);
    } catch {
      this.context.close();
      this.context = new AudioContext();
      return this.context.createMediaStreamSource(this.stream);
    }
  }
}

function loudness(block) {
  const power = block.reduce((sum, sample) => sum + sample * sample, 0) / block.length;
  const peak = block.reduce((most, sample) => Math.max(most, Math.abs(sample)), 0);
  return { level: Math.sqrt(power), peak };
}
