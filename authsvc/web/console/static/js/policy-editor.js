// What a text would do, beside it while one writes. Without this script the form's button does the same.

import { fragment } from "./fragment.js";

const QUIET = 600; // Milliseconds without a key before the service is asked.

const form = document.getElementById("editor");
const text = document.getElementById("text");
const state = document.getElementById("state");
let timer;
let asked;

text.addEventListener("input", soon);
document.getElementById("profile").addEventListener("change", look);
document.addEventListener("click", jump);
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
    const seen = await fragment(form.dataset.preview, "#seen", { method: "POST", headers, body, signal });
    document.getElementById("seen").replaceWith(seen);
    state.textContent = state.dataset.current;
  } catch {
    if (signal.aborted) return;
    document.getElementById("seen").removeAttribute("aria-busy");
    state.textContent = state.dataset.lost;
  }
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
