// A warning with a question: whoever would go on takes the time to read it, and is told when it is over. Stopping never waits.

const form = document.getElementById("answering");
const pause = document.getElementById("pause");
const ready = document.getElementById("ready");
const over = performance.now() + Number(form?.dataset.wait) * 1000;
const still = matchMedia("(prefers-reduced-motion: reduce)");

form?.addEventListener("submit", hold, { capture: true });
if (pause) count();

function hold(event) {
  const chosen = form.elements.answer.value;
  if (!pause || chosen !== form.dataset.goesOn || left() <= 0) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  ready.textContent = ""; // Said anew, also where it is the same.
  ready.textContent = pause.textContent;
}

function count() {
  if (left() <= 0) {
    ready.textContent = pause.textContent = form.dataset.now;
    return;
  }
  // The number alone, and not for those who want nothing to move.
  if (!still.matches) pause.textContent = pause.textContent.replace(/\d+/, String(left()));
  setTimeout(count, 250);
}

function left() {
  return Math.ceil((over - performance.now()) / 1000);
}
