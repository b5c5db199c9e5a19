// Hands the microphone's samples on in blocks of a tenth of a second.

const BLOCK = 1600;

class Recorder extends AudioWorkletProcessor {
  constructor() {
    super();
    this.block = new Float32Array(BLOCK);
    this.filled = 0;
  }

  process([input]) {
    for (const sample of input[0] ?? []) {
      this.block[this.filled] = sample;
      this.filled += 1;
      if (this.filled === BLOCK) this.send();
    }
    return true;
  }

  send() {
    this.port.postMessage(this.block.slice());
    this.filled = 0;
  }
}

registerProcessor("recorder", Recorder);
