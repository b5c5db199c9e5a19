// A text area in which TOML is read: numbers of lines, colours, faults where they are, and words to choose. Without it the area is plain.

import { pieces, suggestions } from "./toml.js";

export class Writing {
  /** `box` holds the area, and takes what is drawn behind it and the words that are offered; `words` is where their tree comes from. */
  constructor(box, area, words) {
    this.area = area;
    this.box = box;
    this.lines = [];
    this.behind = made("div", { className: "behind", ariaHidden: "true" });
    this.page = this.behind.appendChild(made("pre"));
    this.list = made("ul", { className: "offers", id: "offers", role: "listbox", ariaLabel: box.dataset.offers, hidden: true });
    box.prepend(this.behind);
    box.append(this.list);
    box.classList.add("lively");
    area.addEventListener("input", (event) => this.#written(event));
    area.addEventListener("scroll", () => this.#follow());
    area.addEventListener("blur", () => this.#close());
    area.addEventListener("click", () => this.#close());
    addEventListener("resize", () => this.#close());
    area.addEventListener("keydown", (event) => this.#pressed(event));
    this.list.addEventListener("pointerdown", (event) => this.#picked(event));
    this.draw();
    this.#learn(words);
  }

  /** Without its words the area offers none. */
  async #learn(words) {
    const answer = await fetch(words).catch(() => null);
    if (!answer?.ok) return;
    this.tree = await answer.json();
    this.area.setAttribute("aria-autocomplete", "list");
    this.area.setAttribute("aria-controls", "offers");
  }

  /** After every change of the text: paints what is new in it. */
  draw() {
    const lines = this.area.value.split("\n");
    const old = this.lines;
    const shorter = Math.min(lines.length, old.length);
    let head = 0;
    while (head < shorter && lines[head] === old[head].text) head += 1;
    let tail = 0;
    while (tail < shorter - head && lines.at(-1 - tail) === old.at(-1 - tail).text) tail += 1;
    for (const { element } of old.slice(head, old.length - tail)) element.remove();
    const fresh = lines.slice(head, lines.length - tail).map((text) => ({ text, element: made("div") }));
    const added = new DocumentFragment();
    for (const { element } of fresh) added.append(element);
    this.page.insertBefore(added, head ? old[head - 1].element.nextSibling : this.page.firstChild);
    this.lines = [...old.slice(0, head), ...fresh, ...old.slice(old.length - tail)];
    this.#paint(head, lines.length - tail);
    this.#follow();
  }

  /** Faults by their lines, each said at the end of its own. */
  mark(faults) {
    for (const { element } of this.lines) if (element.dataset.fault) delete element.dataset.fault;
    for (const [line, said] of faults) if (this.lines[line - 1]) this.lines[line - 1].element.dataset.fault = said;
    this.area.setAttribute("aria-invalid", String(faults.length > 0));
  }

  #paint(from, changed) {
    let within = this.lines[from - 1]?.ends ?? "";
    for (const [at, line] of this.lines.entries()) {
      if (at < from) continue;
      if (at >= changed && line.begins === within) return;
      line.begins = within;
      const [found, ends] = pieces(line.text, within);
      line.element.replaceChildren(...found.map(([kind, text]) => (kind ? made("span", { className: kind, textContent: text }) : text)));
      line.ends = within = ends;
    }
  }

  #follow() {
    this.behind.scrollTop = this.area.scrollTop;
    this.behind.scrollLeft = this.area.scrollLeft;
  }

  #written(event) {
    this.draw();
    if (event.isComposing || event.inputType !== "insertText") this.#close();
    else this.#offer(2);
  }

  /** Words that may stand at the caret, once `least` characters of one are there. */
  #offer(least) {
    const { selectionStart: caret, value } = this.area;
    this.found = this.tree ? suggestions(this.tree, value, caret) : { offers: [] };
    if (!this.found.offers.length || caret - this.found.from < least) return this.#close();
    this.list.replaceChildren(...this.found.offers.map((text, at) => made("li", { id: `offer-${at}`, role: "option", textContent: text.trim() })));
    this.list.hidden = false;
    this.#stand(caret);
    return this.#point(0);
  }

  #stand(caret) {
    const before = this.area.value.slice(0, caret).split("\n");
    const { element } = this.lines[before.length - 1];
    const box = this.box.getBoundingClientRect();
    const at = edge(element, before.at(-1).length);
    this.list.style.top = `${Math.min(at.bottom - box.top, box.height)}px`;
    this.list.style.left = `${Math.max(0, Math.min(at.left - box.left, box.width - this.list.offsetWidth))}px`;
  }

  #point(at) {
    this.chosen = (at + this.found.offers.length) % this.found.offers.length;
    for (const [number, each] of [...this.list.children].entries()) each.ariaSelected = String(number === this.chosen);
    this.list.children[this.chosen].scrollIntoView({ block: "nearest" });
    this.area.setAttribute("aria-activedescendant", `offer-${this.chosen}`);
  }

  #close() {
    this.list.hidden = true;
    this.area.removeAttribute("aria-activedescendant");
  }

  #take(at) {
    const { from, to, offers } = this.found;
    this.#close();
    this.area.focus();
    this.area.setSelectionRange(from, to);
    // As if it had been typed, so that it can be undone.
    document.execCommand("insertText", false, offers[at]);
  }

  #picked(event) {
    event.preventDefault();
    const at = [...this.list.children].indexOf(event.target.closest("li"));
    if (at >= 0) this.#take(at);
  }

  #pressed(event) {
    if (event.key === " " && event.ctrlKey) return event.preventDefault(), this.#offer(0);
    if (this.list.hidden || event.isComposing) return undefined;
    const keys = {
      ArrowDown: () => this.#point(this.chosen + 1),
      ArrowUp: () => this.#point(this.chosen - 1),
      Enter: () => this.#take(this.chosen),
      Tab: () => this.#take(this.chosen),
      Escape: () => this.#close(),
    };
    if (!(event.key in keys)) return undefined;
    event.preventDefault();
    return keys[event.key]();
  }
}

function made(tag, properties = {}) {
  return Object.assign(document.createElement(tag), properties);
}

/** The place before a character of a painted line. */
function edge(element, column) {
  const texts = document.createTreeWalker(element, NodeFilter.SHOW_TEXT);
  const range = document.createRange();
  range.selectNodeContents(element);
  range.collapse(true);
  for (let rest = column; texts.nextNode(); rest -= texts.currentNode.data.length) {
    if (rest > texts.currentNode.data.length) continue;
    range.setStart(texts.currentNode, rest);
    break;
  }
  const [at] = range.getClientRects();
  return at ?? element.getBoundingClientRect();
}
