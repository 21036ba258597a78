// The bars. All confidences are here, so moving the threshold asks nothing.

const byId = (id) => document.getElementById(id);

export class Result {
  #answer = null;
  #bars = [];
  #stale = false;

  constructor() {
    this.root = byId("result");
    byId("threshold").addEventListener("input", () => this.#filter());
    this.#filter();
  }

  get threshold() {
    return Number(byId("threshold").value);
  }

  // `answer` is that of /v1/tag with every label in it, highest first; null empties the panel.
  show(answer) {
    this.#answer = answer;
    this.#bars = answer?.labels.map(bar) ?? [];
    byId("facts").textContent = answer ? facts(answer) : "";
    this.#filter();
    this.#bars.forEach(grow);
  }

  // Whether the bars are of an earlier text or earlier labels.
  set stale(stale) {
    this.#stale = stale;
    this.root.classList.toggle("stale", stale);
    this.#summarise();
  }

  #filter() {
    const reached = this.#reached();
    this.root.style.setProperty("--threshold", this.threshold);
    byId("threshold-value").textContent = this.threshold.toFixed(2);
    byId("above").replaceChildren(...this.#bars.slice(0, reached));
    byId("below").replaceChildren(...this.#bars.slice(reached));
    byId("rest").hidden = reached === this.#bars.length;
    this.#summarise();
  }

  #reached() {
    return this.#answer?.labels.filter(({ confidence }) => confidence >= this.threshold).length ?? 0;
  }

  #summarise() {
    const all = this.#bars.length;
    const labels = all === 1 ? "label" : "labels";
    let summary = `${this.#reached() || "None"} of ${all} ${labels} at ${this.threshold.toFixed(2)} or more`;
    if (!this.#answer) summary = "Press Tag to see how well each label fits.";
    if (this.#stale) summary = "Text or labels have changed: press Tag again.";
    // written only when it differs: screen readers read out every writing
    if (byId("summary").textContent !== summary) byId("summary").textContent = summary;
  }
}

function facts({ tokens, latency_ms: latency, cached }) {
  return `${tokens.toLocaleString("en")} tokens · ${latency} ms · ${cached ? "from the cache" : "not cached"}`;
}

function bar({ label, confidence }) {
  const item = byId("bar").content.firstElementChild.cloneNode(true);
  item.querySelector(".name").textContent = label;
  item.querySelector(".value").textContent = confidence.toFixed(4);
  item.querySelector(".fill").style.setProperty("--share", confidence);
  return item;
}

function grow(item) {
  if (matchMedia("(prefers-reduced-motion: reduce)").matches) return;
  const frames = [{ transform: "scaleX(0)" }, { transform: "none" }];
  item.querySelector(".fill").animate(frames, { duration: 350, easing: "cubic-bezier(.2, .7, .3, 1)" });
}
