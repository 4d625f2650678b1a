// The likeliest symbols as bars.

const COUNT = 5;

/** Bars in a list, an `ol`. */
export class Bars {
  constructor(list) {
    this.bars = Array.from({ length: COUNT }, () => {
      const item = document.createElement("li");
      item.innerHTML = '<span class="name"></span><span class="track"><i></i></span><span class="share"></span>';
      list.append(item);
      return item;
    });
  }

  /** Show `{symbol, share}` of the likeliest ones; `isClear`: whether the first of them is above the threshold. */
  show(best, isClear) {
    this.bars.forEach((bar, i) => {
      const { symbol = "", share = 0 } = best[i] ?? {};
      const [name, track, percent] = bar.children;
      name.textContent = symbol;
      track.firstChild.style.width = `${share * 100}%`;
      percent.textContent = symbol ? `${Math.round(share * 100)} %` : "";
      bar.classList.toggle("clear", i === 0 && isClear);
    });
  }
}
