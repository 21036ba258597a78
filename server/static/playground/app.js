// The playground: a form that asks /v1/tag once for all confidences, and shows them.

import { curlCall } from "./curl.js";
import { LabelRows } from "./labels.js";
import { Result } from "./result.js";

const EXAMPLES = {
  News: {
    text: "Breaking: Tech stocks surge amid AI boom",
    textType: "",
    labels: [{ label: "politics" }, { label: "technology" }, { label: "finance" }, { label: "sports" }],
  },
  "Shop message": {
    text: "The parcel came two weeks late and the box was open. I'd like my money back, please.",
    textType: "message to a shop",
    labels: [
      { label: "late delivery" },
      { label: "damaged parcel" },
      { label: "refund request" },
      { label: "wrong item" },
      { label: "praise" },
    ],
  },
  "Town letter": {
    text:
      "Good morning, the people next door play loud music until two at night. " +
      "Every morning their bottles and rubbish lie in the street. What can be done about it?",
    textType: "letter to the town hall",
    labels: [
      { label: "noise", description: "Music, building sites, dogs" },
      { label: "litter", description: "Rubbish left in the street" },
      { label: "parking", description: "Badly parked cars" },
      { label: "needs an answer", description: "The writer asks a question" },
    ],
  },
};
const EMPTY = { text: "", textType: "", labels: [] };

// Fields as the API calls them -> the prefix of the ids of this page.
const FIELDS = { text: "text", text_type: "text-type", labels: "labels", descriptions: "labels", key: "key" };
const LONGEST_SHOWN = 20_000;

const byId = (id) => document.getElementById(id);
const [form, text, textType, key] = ["form", "text", "text-type", "key"].map(byId);
const labels = new LabelRows(byId("rows"), byId("row"));
const result = new Result();
let asked = null; // the question that the bars answer
let pending = null; // the AbortController of the request under way

class Refusal extends Error {
  constructor(message, field) {
    super(message);
    this.field = field;
  }
}

// What the form says, as a body for /v1/tag without the threshold.
function question() {
  const rows = labels.values();
  const described = rows.filter((row) => row.description).map((row) => [row.label, row.description]);
  return {
    text: text.value,
    labels: rows.map((row) => row.label),
    ...(described.length && { descriptions: Object.fromEntries(described) }),
    ...(textType.value.trim() && { text_type: textType.value.trim() }),
  };
}

async function tag() {
  pending?.abort();
  const mine = (pending = new AbortController());
  const body = question();
  clearErrors(form);
  setBusy(true);
  try {
    const answer = await ask({ ...body, threshold: 0 }, mine.signal);
    asked = JSON.stringify(body);
    result.show(answer);
    update();
    result.root.scrollIntoView({ block: "nearest" });
  } catch (error) {
    if (!mine.signal.aborted) explain(error);
  } finally {
    if (pending === mine) setBusy(false);
  }
}

async function ask(body, signal) {
  const headers = { "Content-Type": "application/json" };
  if (key.value.trim()) headers.Authorization = `Bearer ${key.value.trim()}`;
  if (/[^\x20-\x7e]/.test(key.value)) throw new Refusal("The key has characters that a browser cannot send.", "key");
  const response = await fetch("/v1/tag", { method: "POST", headers, body: JSON.stringify(body), signal }).catch(() => {
    throw new Refusal("The server did not answer. Is it still running?");
  });
  const answer = await response.json().catch(() => ({}));
  if (response.ok && answer.labels) return answer;
  if (response.status === 401 && !headers.Authorization) {
    throw new Refusal("This server wants an API key. Type it here and press Tag again.", "key");
  }
  const said = answer.detail ?? `The server answered ${response.status} ${response.statusText}.`;
  throw new Refusal(said, [401, 403].includes(response.status) ? "key" : answer.details?.field);
}

// Says what was refused beside the field that the server names, and puts the cursor there.
function explain(error) {
  if (!(error instanceof Refusal)) throw error;
  const field = FIELDS[error.field] ?? "form";
  byId(`${field}-error`).textContent = error.message;
  if (field === "form") return;
  if (field === "key") byId("key-details").open = true;
  if (field === "labels") labels.focusSuspect();
  else byId(field).focus();
  document.activeElement.setAttribute("aria-invalid", "true");
}

function clearErrors(within) {
  for (const error of within.querySelectorAll(".error")) error.textContent = "";
  for (const input of within.querySelectorAll("[aria-invalid]")) input.removeAttribute("aria-invalid");
}

function setBusy(busy) {
  result.root.setAttribute("aria-busy", busy);
  byId("tag").textContent = busy ? "Tagging…" : "Tag";
}

function fill(example) {
  text.value = example.text;
  textType.value = example.textType;
  labels.set(example.labels);
}

// Brings the curl call and the state of the bars in line with the form.
function update() {
  const body = question();
  const call = currentCall(body);
  byId("call").textContent =
    call.length > LONGEST_SHOWN ? `${call.slice(0, LONGEST_SHOWN)}\n… Copy takes the rest as well.` : call;
  byId("copied").textContent = "";
  result.stale = asked !== null && asked !== JSON.stringify(body);
}

function currentCall(body = question()) {
  const withKey = key.value.trim() !== "";
  return curlCall(`${location.origin}/v1/tag`, { ...body, threshold: result.threshold }, withKey);
}

async function copyCall() {
  const copied = await copy(currentCall());
  byId("copied").textContent = copied ? "Copied." : "This browser forbids it: select the call and copy it yourself.";
}

async function copy(words) {
  if (navigator.clipboard) return navigator.clipboard.writeText(words).then(() => true, () => false);
  // without https, browsers have only this way
  const field = document.createElement("textarea");
  field.value = words;
  field.className = "offscreen";
  document.body.append(field);
  field.select();
  const copied = document.execCommand("copy");
  field.remove();
  byId("copy").focus();
  return copied;
}

function addExampleButton(title, onClick) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "chip";
  button.textContent = title;
  button.addEventListener("click", onClick);
  byId("examples").append(button);
}

for (const [title, example] of Object.entries(EXAMPLES)) {
  addExampleButton(title, () => {
    fill(example);
    tag();
  });
}
addExampleButton("Clear", () => {
  pending?.abort();
  asked = null;
  result.show(null);
  clearErrors(form);
  fill(EMPTY);
  text.focus();
});

form.addEventListener("submit", (event) => {
  event.preventDefault();
  tag();
});
form.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
    event.preventDefault();
    tag();
  }
});
form.addEventListener("input", (event) => {
  const field = event.target.closest(".field");
  if (field) clearErrors(field);
  update();
});
byId("threshold").addEventListener("input", update);
byId("add").addEventListener("click", () => labels.add());
byId("copy").addEventListener("click", copyCall);

fill(Object.values(EXAMPLES)[0]);
