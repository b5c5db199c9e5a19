// The calls of the capture pages. The token stays on the server; a page has only the key of its forms.

import { waiting } from "./waiting.js";

/** A refusal: `message` and `hints` are sentences for the person, in their language; `codes` name the hints. */
export class Refused extends Error {
  constructor({ slug = "offline", message = "", hints = [], codes = [] }) {
    super(message);
    this.slug = slug;
    this.hints = hints;
    this.codes = codes;
  }
}

export class Steps {
  constructor(element) {
    this.address = element.dataset.steps;
    this.headers = { "X-Form-Key": element.dataset.formKey };
  }

  begin() {
    return this.#call(`${this.address}/begin`, { method: "POST", headers: this.headers });
  }

  answerForm(form) {
    return this.#call(this.address, { method: "PUT", headers: this.headers, body: form });
  }

  answer(value) {
    const headers = { ...this.headers, "Content-Type": "application/json" };
    return this.#call(this.address, { method: "PUT", headers, body: JSON.stringify(value) });
  }

  async #call(address, init) {
    waiting();
    try {
      const response = await fetch(address, { ...init, credentials: "same-origin", cache: "no-store" }).catch(() => {
        throw new Refused({});
      });
      const value = await response.json().catch(() => ({}));
      if (!response.ok) throw new Refused(value);
      return value;
    } finally {
      waiting(false);
    }
  }
}

/** Says one of the page's own sentences, by name. */
export function say(place, name, fallback = "") {
  const sentence = document.querySelector(`[data-say="${name}"]`);
  write(place, sentence ? sentence.textContent : fallback);
}

/** A browser knows no words of Chinese: its lines end where a clause does. */
function write(place, text) {
  place.replaceChildren(
    ...text.split(/(?<=[，。：；、！？])/).map((clause, at, all) => {
      if (all.length === 1) return clause;
      const part = document.createElement("span");
      part.className = "together";
      part.textContent = clause;
      return part;
    }),
  );
}

/** Shows a refusal, and the one thing that helps most: nobody follows several instructions at once. */
export function explain(refused, place, list) {
  if (refused.message) write(place, refused.message);
  else say(place, "offline");
  if (!list) return;
  list.replaceChildren(...(refused.hints ?? []).slice(0, 1).map(asItem));
  list.hidden = list.childElementCount === 0;
}

export const goOn = () => document.getElementById("onward").requestSubmit();

function asItem(text) {
  const item = document.createElement("li");
  item.textContent = text;
  return item;
}
