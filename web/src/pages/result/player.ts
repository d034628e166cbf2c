// What plays a recording: one media element, and where it is.
import { signal } from "@preact/signals";
import { tell } from "../../ui/toasts";

export interface Stretch {
  start: number; // seconds
  end: number;
}

const AHEAD = 0.3; // seconds before what is to be heard: a jump over less would stutter
const NUDGE = 0.02; // seconds: seeking is not exact, and the turn before must not seem to be the one

export class Player {
  readonly audio = new Audio();
  readonly time = signal(0);
  readonly playing = signal(false);
  readonly rate = signal(1);
  readonly loop = signal<Stretch | null>(null); // what is played again and again
  private until = Number.POSITIVE_INFINITY;
  private parts: readonly Stretch[] | null = null; // all that is played; null: everything
  private frame = 0;

  constructor(src: string | null) {
    this.audio.preload = "metadata";
    if (src) this.audio.src = src;
    this.audio.addEventListener("play", () => {
      this.playing.value = true;
      this.watch();
    });
    this.audio.addEventListener("pause", () => {
      this.playing.value = false;
    });
    for (const name of ["seeking", "seeked", "timeupdate"]) this.audio.addEventListener(name, () => this.tick());
  }

  /** Play nothing but some stretches, which are in order of time; null for everything. */
  playOnly(parts: readonly Stretch[] | null): void {
    this.parts = parts;
  }

  get ready(): boolean {
    return Boolean(this.audio.src);
  }

  toggle(): void {
    this.until = Number.POSITIVE_INFINITY;
    if (this.playing.value) this.audio.pause();
    else this.start();
  }

  seek(time: number): void {
    this.until = Number.POSITIVE_INFINITY;
    this.audio.currentTime = Math.max(0, Math.min(time, this.audio.duration || time));
    this.time.value = this.audio.currentTime;
  }

  /** Play from a time on, up to another if one is given. */
  play(start: number, end = Number.POSITIVE_INFINITY): void {
    this.seek(start + NUDGE);
    this.until = end;
    this.start();
  }

  setRate(rate: number): void {
    this.rate.value = rate;
    this.audio.playbackRate = rate;
  }

  close(): void {
    cancelAnimationFrame(this.frame);
    this.audio.pause();
    this.audio.removeAttribute("src");
    this.audio.load();
  }

  private start(): void {
    if (!this.ready) return;
    this.audio.play().catch((error: unknown) => {
      if (error instanceof DOMException && error.name === "AbortError") return;
      tell("The recording cannot be played in this browser, or is gone by now.", { bad: true });
    });
  }

  private tick(): void {
    const now = this.audio.currentTime;
    const loop = this.loop.value;
    if (loop && this.playing.value && (now >= loop.end || now < loop.start - NUDGE)) this.jump(loop.start);
    else if (this.parts && this.playing.value && !loop && this.until === Number.POSITIVE_INFINITY) this.skip(now);
    this.time.value = this.audio.currentTime;
    if (this.audio.currentTime >= this.until) {
      this.until = Number.POSITIVE_INFINITY;
      this.audio.pause();
    }
  }

  /** Go on with the next stretch that is to be played; stop after the last. */
  private skip(now: number): void {
    const next = this.parts?.find((part) => part.end > now + NUDGE);
    if (!next) this.audio.pause();
    else if (now < next.start - AHEAD) this.jump(next.start);
  }

  private jump(time: number): void {
    this.audio.currentTime = time;
  }

  // The element itself tells its time four times a second: too seldom for a line that glides.
  private watch(): void {
    cancelAnimationFrame(this.frame);
    const step = () => {
      this.tick();
      if (!this.audio.paused) this.frame = requestAnimationFrame(step);
    };
    this.frame = requestAnimationFrame(step);
  }
}
