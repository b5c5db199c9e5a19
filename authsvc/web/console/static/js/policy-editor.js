// What a text would do, beside it while one writes. Without this script the form's button does the same.

import { fragment } from "./fragment.js";
import { Writing } from "./writing.js";

const QUIET = 600; // Milliseconds without a key before the service is asked.

const form = document.getElementById("editor");
const text = document.getElementById("text");
const state = document.getElementById("state");
const box = document.getElementById("writing");
const writing = box && new Writing(box, text, form.dataset.words);
let timer;
let asked;

text.addEventListener("input", () => {
  // Lines may have moved: the text is what counts, and its fields come back when it has been looked at.
  document.getElementById("numbers")?.setAttribute("disabled", "");
  soon();
});
document.getElementById("profile").addEventListener("change", look);
form.addEventListener("input", (event) => event.target.closest("#numbers") && typed(event));
document.addEventListener("click", jump);
// What was typed before this script was there.
for (const field of document.querySelectorAll("#numbers [data-was]")) if (field.value !== field.dataset.was) typed({ target: field });
if (text.value.trim()) look();

function soon() {
  clearTimeout(timer);
  timer = setTimeout(look, QUIET);
}

async function look() {
  clearTimeout(timer);
  asked?.abort();
  asked = new AbortController();
  const { signal } = asked;
  state.textContent = state.dataset.reading;
  document.getElementById("seen").setAttribute("aria-busy", "true");
  try {
    const headers = { "X-Form-Key": form.dataset.formKey };
    const body = new URLSearchParams(new FormData(form));
    const looked = await fragment(form.dataset.preview, "body", { method: "POST", headers, body, signal });
    const seen = looked.querySelector("#seen");
    document.getElementById("seen").replaceWith(seen);
    writing?.mark(faults(seen));
    const numbers = document.getElementById("numbers");
    if (numbers?.disabled && text.value === body.get("text")) numbers.replaceWith(looked.querySelector("#numbers"));
    state.textContent = state.dataset.current;
  } catch {
    if (signal.aborted) return;
    document.getElementById("seen").removeAttribute("aria-busy");
    state.textContent = state.dataset.lost;
  }
}

/** A number is written into its line of the text, as the service would; what is no number waits until it is one. */
function typed({ target }) {
  const { line, key, was } = target.dataset;
  const lines = text.value.split("\n");
  const digits = key.includes("amount") && was.includes(".") ? was.split(".")[1].length : 0;
  const value = Number(target.value.replaceAll(",", ""));
  if (!line || !target.value.trim() || !(value >= 0)) return;
  target.nextElementSibling.hidden = value === Number(was);
  const minor = String(Math.trunc(Math.round(value * 10 ** (digits + 2)) / 100));
  const apart = minor.replace(/\B(?=(\d{3})+$)/g, "_");
  lines[line - 1] = lines[line - 1].replace(/(= )[0-9_]+/, `$1${apart}`);
  text.value = lines.join("\n");
  writing?.draw();
  soon();
}

function faults(seen) {
  return [...seen.querySelectorAll("[data-line]")].map((link) => [link.dataset.line, link.nextElementSibling.textContent]);
}

/** A fault's line number leads to the line. */
function jump(event) {
  const line = Number(event.target.closest?.("a[data-line]")?.dataset.line);
  if (!line) return;
  event.preventDefault();
  const lines = text.value.split("\n");
  const start = lines.slice(0, line - 1).reduce((sum, each) => sum + each.length + 1, 0);
  text.focus();
  text.setSelectionRange(start, start + (lines[line - 1] ?? "").length);
  text.scrollTop = Math.max(0, ((line - 6) / lines.length) * text.scrollHeight);
}
