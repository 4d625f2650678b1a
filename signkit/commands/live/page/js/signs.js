// A sign as a clip: from the first frame with a hand to the last one, when the hands have left the picture.

// Milliseconds; signkit/commands/live/reader.py has the same ones.
const SIGNED = 500; // without a hand: the sign has ended
const LONGEST = 4000; // of a sign; then the next one begins
const SHORTEST = 200; // less is a hand on its way through the picture

/** The frames of the sign that is being made. */
export class Sign {
  constructor() {
    this.clear();
  }

  clear() {
    this.frames = [];
    this.seen = 0; // frames up to the last one with a hand
  }

  /** Whether the sign has ended before a frame of this time, in which a hand is there or not. */
  hasEnded(time, there) {
    if (this.seen === 0) return false;
    const { frames, seen } = this;
    return time - frames[0].time > LONGEST || (!there && time - frames[seen - 1].time > SIGNED);
  }

  /** Frames without a hand are left out at the beginning, and at the end. */
  add(time, hands) {
    const there = Boolean(hands.left || hands.right);
    if (!there && this.seen === 0) return;
    this.frames.push({ time, ...hands });
    if (there) this.seen = this.frames.length;
  }

  get clip() {
    return this.frames.slice(0, this.seen);
  }

  isLongEnough() {
    return this.seen > 1 && this.frames[this.seen - 1].time - this.frames[0].time >= SHORTEST;
  }
}
