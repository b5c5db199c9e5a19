// What every page does: count time down, tell times by this clock, send a form once it is filled in, copy, save and print.

import { areFilled } from "./fields.js";
import { waiting } from "./waiting.js";

const clock = document.getElementById("clock");
if (clock) countDown(clock);

const { lang } = document.documentElement; // Of the page; the browser may know the country as well.
const spoken = navigator.languages.find((each) => each.startsWith(lang.slice(0, 2))) ?? lang;
const written = new Intl.DateTimeFormat(spoken, { dateStyle: "medium", timeStyle: "short", hourCycle: "h23" });
for (const time of document.querySelectorAll("time[datetime]:not([data-until])")) {
  time.title = time.textContent;
  time.textContent = written.format(new Date(time.dateTime));
}

for (const form of document.forms) {
  form.noValidate = "missing" in document.body.dataset; // The page has sentences of its own.
  form.addEventListener("submit", sendOnce);
}

document.getElementById("copy")?.addEventListener("click", copy);
document.getElementById("save")?.addEventListener("click", save);
document.getElementById("print")?.addEventListener("click", () => window.print());

function countDown(shown) {
  const until = Date.parse(shown.dataset.until);
  const tick = () => {
    const left = Math.ceil((until - Date.now()) / 1000);
    shown.textContent = `${Math.max(0, Math.floor(left / 60))}:${String(Math.max(0, left % 60)).padStart(2, "0")}`;
    shown.classList.toggle("short", left <= 60);
    if (left <= -1) location.replace(location.pathname);
    else setTimeout(tick, 1000 - (Date.now() % 1000));
  };
  if (Number.isFinite(until)) tick();
}

function sendOnce(event) {
  const form = event.currentTarget;
  if (form.noValidate && !areFilled(form.elements)) return event.preventDefault();
  if (form.dataset.sent) event.preventDefault();
  form.dataset.sent = "yes";
  form.setAttribute("aria-busy", "true");
}

// On the window, where all others have had their say: what none of them has kept leads to another page.
addEventListener("submit", (event) => event.defaultPrevented || waiting());
addEventListener("click", (event) => {
  const link = event.target.closest?.("a[href]");
  if (!link || event.defaultPrevented || event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  if (link.hasAttribute("download")) takeAlong(event, link);
  else if (link.protocol.startsWith("http") && !isHere(link)) waiting();
});

function isHere({ href, hash }) {
  return hash !== "" && href.replace(hash, "") === location.href.replace(location.hash, "");
}

/** A file takes its time like a page; one that is refused says so as a page. */
async function takeAlong(event, link) {
  event.preventDefault();
  waiting();
  try {
    const answer = await fetch(link.href);
    const named = /filename="([^"]+)"/.exec(answer.headers.get("Content-Disposition") ?? "");
    if (!answer.ok || !named) location.assign(link.href);
    else keep(await answer.blob(), named[1]);
  } catch {
    location.assign(link.href);
  }
  waiting(false);
}

// Coming back to a page that the browser kept, its forms may be sent again.
addEventListener("pageshow", () => {
  waiting(false);
  for (const form of document.forms) {
    delete form.dataset.sent;
    form.removeAttribute("aria-busy");
  }
});

async function copy(event) {
  const button = event.currentTarget;
  await navigator.clipboard.writeText(textOf(button));
  button.textContent = button.dataset.done;
}

/** As a file of plain text, which leaves this device only where its owner puts it. */
function save(event) {
  const button = event.currentTarget;
  keep(new Blob([textOf(button), "\n"], { type: "text/plain" }), button.dataset.file);
  button.textContent = button.dataset.done;
}

function keep(content, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(content);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

function textOf(button) {
  const from = document.getElementById(button.dataset.from);
  // What is folded up has no `innerText`.
  return (from.innerText || from.textContent).trim();
}
