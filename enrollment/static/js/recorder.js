// Frames of a camera one after the other without a hole, at a pace that may change while they are taken.

export class Recorder {
  constructor(camera) {
    this.camera = camera;
    this.frames = [];
    this.every = 100;
  }

  start(every) {
    this.every = every;
    this.running = this.#run();
    return this;
  }

  /** What was taken since the last call, the newest `most` of it; the very next picture of the camera is the first of what follows. */
  async take(most) {
    const taken = new Promise((resolve) => {
      this.wanted = () => resolve(this.frames.splice(0).slice(-most));
    });
    return Promise.race([taken, this.running.then(() => [])]);
  }

  async stop() {
    this.ended = true;
    await this.running;
  }

  async #run() {
    let due = performance.now();
    while (!this.ended) {
      this.frames.push(await this.camera.frame());
      if (this.wanted) {
        this.wanted();
        this.wanted = null;
        continue;
      }
      due = Math.max(due + this.every, performance.now());
      await until(due, () => this.ended || this.wanted);
    }
  }
}

/** Waits for an instant in small steps, so that a pace may become faster while it is waited for. */
async function until(instant, isOver) {
  while (!isOver()) {
    const left = instant - performance.now();
    if (left <= 0) return;
    await new Promise((resolve) => setTimeout(resolve, Math.min(left, 50)));
  }
}
