// The part of the picture that an image model reads: dragged by pointer, moved and resized by keys.

const LEAST = 0.1; // of the picture's width and height
const STEP = 0.02;
const WHOLE = { x: 0, y: 0, width: 1, height: 1 };

/** A region kept inside the picture, in shares of its width and height. */
export function inside({ x, y, width, height }) {
  const w = Math.min(1, Math.max(LEAST, width));
  const h = Math.min(1, Math.max(LEAST, height));
  return { x: Math.min(1 - w, Math.max(0, x)), y: Math.min(1 - h, Math.max(0, y)), width: w, height: h };
}

/** The region between two corners. */
export function spanned(a, b) {
  return inside({
    x: Math.min(a.x, b.x),
    y: Math.min(a.y, b.y),
    width: Math.abs(a.x - b.x),
    height: Math.abs(a.y - b.y),
  });
}

/** The region after an arrow key: moved, or resized with Shift; null for another key. */
export function moved(region, key, shift) {
  const ways = { ArrowLeft: [-STEP, 0], ArrowRight: [STEP, 0], ArrowUp: [0, -STEP], ArrowDown: [0, STEP] };
  if (!(key in ways)) return null;
  const [x, y] = ways[key];
  if (shift) return inside({ ...region, width: region.width + x, height: region.height + y });
  return inside({ ...region, x: region.x + x, y: region.y + y });
}

/** A region on the page as it is shown; `isMirrored()`: whether the picture is. */
export class Region {
  constructor(stage, frame, isMirrored) {
    Object.assign(this, { stage, frame, isMirrored, shown: { ...WHOLE } });
    frame.addEventListener("keydown", (event) => {
      const next = moved(this.shown, event.key, event.shiftKey);
      if (!next) return;
      event.preventDefault();
      this.show(next);
    });
    stage.addEventListener("pointerdown", (event) => this.drag(event));
    this.show(WHOLE);
  }

  show(region) {
    this.shown = { ...region };
    const percent = (share) => `${share * 100}%`;
    Object.assign(this.frame.style, {
      left: percent(region.x),
      top: percent(region.y),
      width: percent(region.width),
      height: percent(region.height),
    });
  }

  whole() {
    this.show(WHOLE);
  }

  drag(down) {
    const box = this.stage.getBoundingClientRect();
    const at = (event) => ({
      x: Math.min(1, Math.max(0, (event.clientX - box.left) / box.width)),
      y: Math.min(1, Math.max(0, (event.clientY - box.top) / box.height)),
    });
    const start = at(down);
    const move = (event) => this.show(spanned(start, at(event)));
    const end = () => {
      this.stage.removeEventListener("pointermove", move);
      this.stage.removeEventListener("pointerup", end);
      this.stage.removeEventListener("pointercancel", end);
    };
    this.stage.setPointerCapture(down.pointerId);
    this.stage.addEventListener("pointermove", move);
    this.stage.addEventListener("pointerup", end);
    this.stage.addEventListener("pointercancel", end);
  }

  /** In the picture itself, in shares of it. */
  get inPicture() {
    const { x, width } = this.shown;
    return { ...this.shown, x: this.isMirrored() ? 1 - x - width : x };
  }

  /** The pixels in it, RGB, as large as they are in the picture of a video: `{pixels, width, height}`. */
  pixelsOf(video, pictureWidth, pictureHeight) {
    this.copy ??= document.createElement("canvas").getContext("2d", { willReadFrequently: true });
    const shares = this.inPicture;
    const [left, width] = [shares.x, shares.width].map((share) => Math.round(share * pictureWidth));
    const [top, height] = [shares.y, shares.height].map((share) => Math.round(share * pictureHeight));
    Object.assign(this.copy.canvas, { width, height });
    this.copy.drawImage(video, left, top, width, height, 0, 0, width, height);
    const rgba = this.copy.getImageData(0, 0, width, height).data;
    const pixels = new Uint8Array(width * height * 3);
    for (let i = 0, j = 0; i < rgba.length; i += 4) {
      pixels[j++] = rgba[i];
      pixels[j++] = rgba[i + 1];
      pixels[j++] = rgba[i + 2];
    }
    return { pixels, width, height };
  }
}
