// The rows of labels and descriptions. Every change reaches the form as an `input` event.

export class LabelRows {
  constructor(list, template) {
    this.list = list;
    this.template = template;
    list.addEventListener("keydown", (event) => this.#onKey(event));
    list.addEventListener("paste", (event) => this.#onPaste(event));
    list.addEventListener("input", () => this.#name());
    list.addEventListener("click", (event) => {
      const button = event.target.closest(".remove");
      if (button) this.#remove(button.closest("li"));
    });
    this.set([]);
  }

  // [{label, description}] of every row in which something is typed.
  values() {
    const rows = this.#rows().map((row) => ({
      label: field(row, "label").value.trim(),
      description: field(row, "description").value.trim(),
    }));
    return rows.filter((row) => row.label || row.description);
  }

  set(rows) {
    this.list.replaceChildren(...(rows.length ? rows : [{}]).map((row) => this.#row(row)));
    this.#changed();
  }

  // An empty row at the end, or after `row`, with the cursor in it.
  add(row = this.#rows().at(-1)) {
    let next = row.nextElementSibling;
    if (isEmpty(row)) next = row;
    if (!next || !isEmpty(next)) {
      next = this.#row({});
      row.after(next);
      this.#changed();
    }
    field(next, "label").focus();
  }

  // Puts the cursor where a complaint about labels is most likely meant.
  focusSuspect() {
    const labels = this.#rows().filter((row) => !isEmpty(row)).map((row) => field(row, "label"));
    const names = labels.map((label) => label.value.trim());
    const suspect = labels.find((_, index) => !names[index] || names.indexOf(names[index]) < index);
    (suspect ?? labels[0] ?? field(this.#rows()[0], "label")).focus();
  }

  #rows() {
    return [...this.list.children];
  }

  #row({ label = "", description = "" }) {
    const row = this.template.content.firstElementChild.cloneNode(true);
    field(row, "label").value = label;
    field(row, "description").value = description;
    return row;
  }

  #remove(row) {
    if (this.list.children.length === 1) row.before(this.#row({})); // there is always one to type in
    const neighbour = row.nextElementSibling ?? row.previousElementSibling;
    row.remove();
    field(neighbour, "label").focus();
    this.#changed();
  }

  #changed() {
    this.list.dispatchEvent(new Event("input", { bubbles: true }));
  }

  #name() {
    this.#rows().forEach((row, index) => {
      const name = field(row, "label").value.trim();
      field(row, "label").setAttribute("aria-label", `Label ${index + 1}`);
      field(row, "description").setAttribute("aria-label", `Description of label ${index + 1}`);
      row.querySelector(".remove").setAttribute("aria-label", `Remove label ${index + 1}${name && `, ${name}`}`);
    });
  }

  #onKey(event) {
    const input = event.target;
    if (input.tagName !== "INPUT" || event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return;
    const row = input.closest("li");
    const to = { ArrowUp: row.previousElementSibling, ArrowDown: row.nextElementSibling }[event.key];
    if (event.key === "Enter") this.add(row);
    else if (event.key === "Backspace" && isEmpty(row) && row.previousElementSibling) this.#removeBackwards(row);
    else if (to) field(to, input.className).focus();
    else return;
    event.preventDefault();
  }

  #removeBackwards(row) {
    const previous = row.previousElementSibling;
    this.#remove(row);
    field(previous, "label").focus();
  }

  #onPaste(event) {
    const pasted = parseLabels(event.clipboardData.getData("text"));
    if (!event.target.classList.contains("label") || pasted.length < 2) return;
    event.preventDefault();
    const row = event.target.closest("li");
    const rows = pasted.map((each) => this.#row(each));
    row.after(...rows);
    if (isEmpty(row)) row.remove();
    field(rows.at(-1), "label").focus();
    this.#changed();
  }
}

// A row per line, `label: description` or `label<tab>description`; without those, commas part labels.
export function parseLabels(pasted) {
  const rows = pasted.split(/[\r\n]+/).flatMap((line) => {
    const pair = /^(.+?)(?:\t|:\s)(.+)$/.exec(line.trim());
    if (pair) return [{ label: bare(pair[1]), description: bare(pair[2]) }];
    return line.split(",").map((label) => ({ label: bare(label) }));
  });
  return rows.filter((row) => row.label);
}

// Without bullets, and without the brackets and quotes of a list in a program.
function bare(words) {
  return words.replace(/^\s*[-*•]\s+/, "").replace(/^[\s["'{]+|[\s\]"',}]+$/g, "");
}

function field(row, name) {
  return row.querySelector(`.${name}`);
}

function isEmpty(row) {
  return !field(row, "label").value.trim() && !field(row, "description").value.trim();
}
