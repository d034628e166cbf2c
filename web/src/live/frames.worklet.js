// Runs beside the sound: parts what the microphone hears into frames of 100 ms.
const FRAME = 1600; // samples of 16 kHz

class Frames extends AudioWorkletProcessor {
  constructor() {
    super();
    this.frame = new Float32Array(FRAME);
    this.filled = 0;
  }

  process([input]) {
    const samples = input?.[0];
    for (let place = 0; samples && place < samples.length;) {
      const taken = samples.subarray(place, place + FRAME - this.filled);
      this.frame.set(taken, this.filled);
      this.filled += taken.length;
      place += taken.length;
      if (this.filled === FRAME) {
        this.port.postMessage(this.frame, [this.frame.buffer]);
        this.frame = new Float32Array(FRAME);
        this.filled = 0;
      }
    }
    return true;
  }
}

registerProcessor("frames", Frames);
