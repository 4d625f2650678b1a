// The part of the page that records takes of signs: counted down, recorded until the hands are lowered, kept.
import { draw } from "./overlay.js";
import { Sign } from "./signs.js";
import { TEACHING } from "./states.js";
import { handsInMiddle, nameOf, read, seconds, takeOf, WANTED, written } from "./takes.js";

const COUNTED = 3000; // milliseconds before a take
const AWAITED = 5000; // for a hand; then nobody is there
const FILE = "signs.jsonl";
const THUMB = 192; // pixels of a picture's side, which is shown half as large

const at = (id) => document.getElementById(id);

/** Records takes of the sign that is named, one after another until there are five. `startCamera` starts one. */
export class Teaching {
  constructor(startCamera) {
    Object.assign(this, { startCamera, takes: [], isSaved: true, sign: new Sign() });
    this.stop();
    at("teach").onsubmit = (event) => {
      event.preventDefault();
      if (this.phase === "idle") this.start();
      else this.stop("ended");
    };
    at("download").onclick = () => this.download();
    at("takes").onchange = () => this.open(at("takes").files[0]);
    globalThis.addEventListener("beforeunload", (event) => {
      if (!this.isSaved) event.preventDefault();
    });
  }

  /** Whether the frames are those of a take, or of the time before it. */
  get isBusy() {
    return this.phase !== "idle";
  }

  start() {
    this.name = nameOf(at("sign").value);
    if (!this.name) {
      at("sign").focus();
      return this.tell("nameless");
    }
    Object.assign(this, { wanted: Math.max(WANTED, this.of(this.name).length + 1) });
    this.next();
    at("stage").scrollIntoView({ block: "nearest" });
    this.startCamera();
  }

  /** Begin to count down, from the next frame on; `before`: what was wrong with the take before. */
  next(before = "") {
    Object.assign(this, { phase: "counting", since: null });
    this.tell("counting", this.name, this.of(this.name).length + 1, this.wanted, before);
    at("record").textContent = "Stop recording";
  }

  /** End recording, with a sentence if there is one to say. */
  stop(why, ...about) {
    const wasBusy = this.isBusy;
    this.phase = "idle";
    this.sign.clear();
    at("count").textContent = "";
    at("record").textContent = "Record takes";
    if (!why || !wasBusy) return;
    this.tell(why, ...about);
    at("teach-status").scrollIntoView({ block: "nearest" });
  }

  /** A frame of the camera: its time in milliseconds, and the hands in it. */
  frame(time, hands) {
    this.since ??= time;
    const passed = time - this.since;
    if (this.phase === "counting") {
      const left = Math.ceil((COUNTED - passed) / 1000);
      if (left > 0) return this.show(`Take ${this.of(this.name).length + 1} of ${this.wanted} in ${left}`);
      Object.assign(this, { phase: "recording", since: time });
      this.tell("recording", this.name);
      return this.show(this.name);
    }
    const there = Boolean(hands.left || hands.right);
    if (this.sign.hasEnded(time, there)) return this.keep();
    this.sign.add(time, hands);
    if (this.sign.seen === 0 && passed > AWAITED) this.stop("unseen");
  }

  keep() {
    const clip = this.sign.isLongEnough() ? this.sign.clip : null;
    this.sign.clear();
    if (!clip) return this.next("The hand was in view too briefly. ");
    this.takes.push(takeOf(this.name, clip));
    this.isSaved = false;
    this.list();
    if (this.of(this.name).length < this.wanted) this.next();
    else this.stop("complete", this.name, this.wanted);
  }

  of(name) {
    return this.takes.filter((take) => take.name === name);
  }

  tell(name, ...about) {
    at("teaching").dataset.state = name;
    at("teach-status").textContent = TEACHING[name](...about);
  }

  show(count) {
    if (at("count").textContent !== count) at("count").textContent = count;
  }

  /** Show all takes, by their signs. */
  list() {
    const names = [...new Set(this.takes.map((take) => take.name))];
    at("signs").replaceChildren(...names.map((name) => this.listed(name)));
    at("download").disabled = names.length === 0;
    at("then").hidden = names.length === 0;
  }

  listed(name) {
    const takes = document.createElement("ol");
    takes.append(...this.of(name).map((take, i) => this.shown(take, i + 1)));
    takes.setAttribute("aria-label", `Takes of ${name}`);
    const heading = document.createElement("h3");
    heading.textContent = name;
    const item = document.createElement("li");
    item.append(heading, takes);
    return item;
  }

  shown(take, number) {
    const picture = document.createElement("canvas");
    draw(picture, THUMB, THUMB, handsInMiddle(take, THUMB), 3);
    picture.setAttribute("aria-hidden", "true");
    const about = document.createElement("span");
    about.textContent = `Take ${number}, ${seconds(take)} s`;
    const button = document.createElement("button");
    button.textContent = "Delete";
    button.setAttribute("aria-label", `Delete take ${number} of ${take.name}`);
    button.onclick = () => this.remove(take, number);
    const item = document.createElement("li");
    item.append(picture, about, button);
    return item;
  }

  remove(take, number) {
    this.takes = this.takes.filter((each) => each !== take);
    this.isSaved = this.takes.length === 0;
    this.list();
    this.tell("deleted", take.name, number);
    at("sign").focus(); // the button that was pressed is gone
  }

  download() {
    const url = URL.createObjectURL(new Blob([written(this.takes)], { type: "application/jsonl" }));
    const link = Object.assign(document.createElement("a"), { href: url, download: FILE });
    link.click();
    setTimeout(() => URL.revokeObjectURL(url), 10000); // the browser reads it behind the click
    this.isSaved = true;
    this.tell("downloaded", this.takes.length, FILE);
  }

  /** Add the takes of a file that was downloaded before. */
  async open(file) {
    at("takes").value = "";
    if (!file) return;
    try {
      const found = read(await file.text());
      this.takes.push(...found);
      this.list();
      this.tell("opened", found.length);
    } catch (error) {
      this.tell("unreadable", error.message);
    }
  }
}
