/** Frames of a camera or a video file. */

import { requestCamera } from "../shared/camera.js";
import { make } from "../shared/dom.js";

export const MAX_FRAME = { width: 640, height: 480 };
/** A browser may skip the callback of a frame, for example while the tab is hidden. */
const LONGEST_WAIT_MS = 250;

/** @returns {Promise<LiveSource>} throws Error with a sentence for the user */
export async function openCamera() {
  const { width, height } = MAX_FRAME;
  const stream = await requestCamera({ facingMode: "environment", width: { ideal: width }, height: { ideal: height } });
  const video = make("video", { muted: true, playsinline: true });
  video.srcObject = stream;
  return play(video, () => stream.getTracks().forEach((track) => track.stop()));
}

/** The video starts again at its end. @param {Blob} file @returns {Promise<LiveSource>} throws Error with a sentence for the user */
export async function openVideo(file) {
  const address = URL.createObjectURL(file);
  return play(make("video", { muted: true, playsinline: true, loop: true, src: address }), () => URL.revokeObjectURL(address));
}

async function play(video, release) {
  video.muted = true;
  try {
    await video.play();
  } catch {
    release();
    throw new Error("This browser cannot play the video. MP4 (H.264) and WebM work in most browsers.");
  }
  return new LiveSource(video, release);
}

export class LiveSource {
  /** @param {HTMLVideoElement} video that plays @param {() => void} release called once, at the end */
  constructor(video, release) {
    this.video = video;
    this.release = release;
    this.isStopped = false;
    this.canvas = make("canvas");
    this.context = this.canvas.getContext("2d", { willReadFrequently: true });
  }

  /** The newest frame, again and again until `stop`. Frames that come while the caller is busy are skipped. */
  async *frames() {
    while (!this.isStopped) {
      await this.waitForFrame();
      if (!this.isStopped && this.video.videoWidth) yield this.readFrame();
    }
  }

  waitForFrame() {
    return new Promise((resolve) => {
      this.wake = resolve;
      if (this.video.requestVideoFrameCallback) this.video.requestVideoFrameCallback(resolve);
      else requestAnimationFrame(resolve);
      setTimeout(resolve, LONGEST_WAIT_MS);
    });
  }

  /** The current frame, at most as large as MAX_FRAME. @returns {ImageData} */
  readFrame() {
    const { videoWidth, videoHeight } = this.video;
    const scale = Math.min(1, MAX_FRAME.width / videoWidth, MAX_FRAME.height / videoHeight);
    const [width, height] = [videoWidth, videoHeight].map((side) => Math.max(1, Math.round(side * scale)));
    if (this.canvas.width !== width || this.canvas.height !== height) Object.assign(this.canvas, { width, height });
    this.context.drawImage(this.video, 0, 0, width, height);
    return this.context.getImageData(0, 0, width, height);
  }

  /** Releases the camera or the file. */
  stop() {
    if (this.isStopped) return;
    this.isStopped = true;
    this.video.pause();
    this.release();
    this.wake?.();
  }
}
