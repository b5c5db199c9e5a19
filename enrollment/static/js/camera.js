// Frames of a camera: whole pictures as JPEG, each with the instant it was taken, and what can be told of them at once.

const LONGEST_SIDE = 640;
const LONGEST_WAIT = 200; // Milliseconds: a hole of a quarter of a second would be refused, and so would a picture taken twice.
const QUALITY = 0.9; // Thirty frames of a gesture go through a phone's network in a second or two.

export class Camera {
  constructor(video) {
    this.video = video;
    this.canvas = document.createElement("canvas");
    this.small = document.createElement("canvas");
    this.small.width = 48;
    this.small.height = 64;
  }

  /** Rejects with `NotAllowedError` where the person or a policy says no, `NotFoundError` where there is none. */
  async open() {
    const wanted = { facingMode: "user", width: { ideal: 1280 }, height: { ideal: 960 } };
    this.stream = await navigator.mediaDevices.getUserMedia({ video: wanted, audio: false });
    this.video.srcObject = this.stream;
    this.video.hidden = false;
    await this.video.play();
  }

  close() {
    for (const track of this.stream?.getTracks() ?? []) track.stop();
    this.video.srcObject = null;
  }

  /** One whole picture, never a crop, and never the one before again: the judges need the surroundings and no doubles. */
  async frame() {
    await this.#another();
    const { videoWidth: width, videoHeight: height } = this.video;
    const scale = Math.min(1, LONGEST_SIDE / Math.max(width, height));
    this.canvas.width = Math.round(width * scale);
    this.canvas.height = Math.round(height * scale);
    const takenAt = performance.now();
    this.canvas.getContext("2d").drawImage(this.video, 0, 0, this.canvas.width, this.canvas.height);
    const picture = await new Promise((resolve) => this.canvas.toBlob(resolve, "image/jpeg", QUALITY));
    return { picture, takenAt };
  }

  /** Resolves at the camera's next picture, or after a while where it is stuck; at once where a browser does not say. */
  #another() {
    if (!this.video.requestVideoFrameCallback) return Promise.resolve();
    return new Promise((resolve) => {
      this.video.requestVideoFrameCallback(resolve);
      setTimeout(resolve, LONGEST_WAIT);
    });
  }

  /** Light and movement in the middle of the picture, as the name of a sentence. */
  advice() {
    const { width, height } = this.small;
    const context = this.small.getContext("2d", { willReadFrequently: true });
    const { videoWidth, videoHeight } = this.video;
    context.drawImage(this.video, videoWidth / 4, videoHeight / 8, videoWidth / 2, (videoHeight * 3) / 4, 0, 0, width, height);
    const lights = lightsOf(context.getImageData(0, 0, width, height).data);
    const mean = lights.reduce((sum, light) => sum + light, 0) / lights.length;
    const moved = this.lights ? meanDifference(lights, this.lights) : 0;
    this.lights = lights;
    if (mean < 50) return "dark";
    if (mean > 215) return "bright";
    return moved > 25 ? "shaky" : "good";
  }
}

function lightsOf(pixels) {
  const lights = new Float32Array(pixels.length / 4);
  for (let at = 0; at < lights.length; at += 1) {
    lights[at] = 0.299 * pixels[4 * at] + 0.587 * pixels[4 * at + 1] + 0.114 * pixels[4 * at + 2];
  }
  return lights;
}

function meanDifference(one, other) {
  let sum = 0;
  for (let at = 0; at < one.length; at += 1) sum += Math.abs(one[at] - other[at]);
  return sum / one.length;
}
