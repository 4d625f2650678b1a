"use strict";
const root = document.documentElement;
const all = (selector, inside = document) => Array.from(inside.querySelectorAll(selector));
root.classList.add("js");

// Colours: the reader's choice, or else the system's.
const dark = matchMedia("(prefers-color-scheme: dark)");
const theme = document.getElementById("theme");
function paint() {
  const now = root.dataset.theme || (dark.matches ? "dark" : "light");
  theme.setAttribute("aria-pressed", String(now === "dark"));
  return now;
}
try {
  const chosen = localStorage.getItem("signkit-theme");
  if (chosen) root.dataset.theme = chosen;
} catch { /* nothing is remembered */ }
theme.addEventListener("click", () => {
  root.dataset.theme = paint() === "dark" ? "light" : "dark";
  try { localStorage.setItem("signkit-theme", root.dataset.theme); } catch { /* nothing is remembered */ }
  paint();
});
dark.addEventListener("change", paint);
paint();

// Copying, also where a page from a disk has no clipboard.
for (const button of all("button.copy")) button.addEventListener("click", async () => {
  const source = button.previousElementSibling;
  try { await navigator.clipboard.writeText(source.innerText); } catch {
    getSelection().selectAllChildren(source);
    document.execCommand("copy");
    getSelection().removeAllRanges();
  }
  button.textContent = "Copied";
  setTimeout(() => { button.textContent = "Copy"; }, 1500);
});

// Tables: numbers fall first, words rise first; what is undefined comes last.
function sortTable(head) {
  const row = head.parentElement, column = Array.from(row.children).indexOf(head);
  const body = row.closest("table").tBodies[0], rows = Array.from(body.rows);
  const ways = ["ascending", "descending"];
  if (head.classList.contains("n")) ways.reverse();
  const way = ways[Number(head.getAttribute("aria-sort") === ways[0])], sign = way === "ascending" ? 1 : -1;
  const key = (tr) => {
    const { v } = tr.cells[column].dataset;
    return v === undefined ? tr.cells[column].textContent : v === "" ? null : Number(v);
  };
  const keyed = rows.map((tr, place) => [key(tr), place, tr]);
  keyed.sort(([a, i], [b, j]) => {
    if (a === null || b === null) return (a === null) - (b === null) || i - j;
    const found = typeof a === "number" ? a - b : a.localeCompare(b, undefined, { numeric: true });
    return sign * found || i - j;
  });
  body.append(...keyed.map(([, , tr]) => tr));
  for (const th of row.children) if (th.hasAttribute("aria-sort")) th.setAttribute("aria-sort", "none");
  head.setAttribute("aria-sort", way);
}
for (const head of all("th[aria-sort]")) {
  head.firstElementChild.addEventListener("click", () => sortTable(head));
}

// Several systems: one is looked at closely at a time.
for (const choice of all("input[name=system]")) {
  const show = () => {
    for (const part of all(".system")) part.hidden = part.dataset.system !== choice.value;
  };
  choice.addEventListener("change", show);
  if (choice.checked) show();
}

// Sentences: a filter by their words, and an order.
const lower = (string) => string.normalize("NFC").toLowerCase();
function indexed(sentence) {
  const lines = [sentence.querySelector(".who").textContent];
  for (const line of all(".steps", sentence)) {
    const steps = Array.from(line.children, (step) => Array.from(step.children, (b) => b.textContent));
    for (const side of [0, 1]) lines.push(steps.map((step) => step[side]).join(" "));
    for (const step of steps) if (step.length > 2) lines.push(step[0] + "→" + step[1]);
  }
  return "\n" + lower(lines.join("\n")) + "\n";
}
for (const part of all(".sentences")) {
  const [list, text, wrong, order, shown] = [".list", ".filter", ".wrong", ".order", ".shown"]
    .map((name) => part.querySelector(name));
  const sentences = Array.from(list.children);
  let index = null;
  const filter = () => {
    let wanted = lower(text.value.trim());
    if (wanted && !index) index = new Map(sentences.map((sentence) => [sentence, indexed(sentence)]));
    if (wanted.includes("→")) wanted = "\n" + wanted + "\n";
    let found = 0;
    for (const sentence of sentences) {
      sentence.hidden = (wrong.checked && sentence.dataset.e === "0")
        || (wanted !== "" && !index.get(sentence).includes(wanted));
      found += !sentence.hidden;
    }
    shown.textContent = found + " of " + sentences.length + " shown";
  };
  const sort = () => {
    const [name, sign] = order.value === "n" ? ["n", 1] : [order.value, -1];
    const keyed = sentences.map((s) => [Number(s.dataset[name]), Number(s.dataset.n), s]);
    keyed.sort(([a, i], [b, j]) => sign * (a - b) || i - j);
    list.append(...keyed.map(([, , sentence]) => sentence));
  };
  text.addEventListener("input", filter);
  wrong.addEventListener("change", filter);
  order.addEventListener("change", sort);
}
for (const button of all("button.find")) button.addEventListener("click", () => {
  let around = button.parentElement;
  while (!around.querySelector(".sentences")) around = around.parentElement;
  const part = around.querySelector(".sentences"), text = part.querySelector(".filter");
  part.open = true;
  text.value = button.dataset.find;
  text.dispatchEvent(new Event("input"));
  part.scrollIntoView();
  text.focus({ preventScroll: true });
});

addEventListener("beforeprint", () => { for (const part of all("details")) part.open = true; });
