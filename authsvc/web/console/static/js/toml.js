// A policy's text: what each piece of a line is, and what may stand where the caret is. Knows no page.

const STRING = String.raw`"(?:[^"\\\n]|\\.)*"?|'[^'\n]*'?`;
const PIECES = new RegExp(
  String.raw`(?<comment>#.*)|(?<open>"""|''')|(?<string>${STRING})|(?<table>^\s*\[\[?[\w.-]+\]?\]?(?=\s*(?:#|$)))` +
    String.raw`|(?<key>[\w.-]+(?=\s*=))|(?<word>\b(?:true|false)\b)|(?<number>(?<![\w.-])[+-]?\d[\d_.]*)`,
  "g",
);
const HEADER = /^[ \t]*\[\[?([\w.-]*)\]?\]?[ \t]*(?:#.*)?$/;
const TOKENS = new RegExp(
  String.raw`#[^\n]*|"""[\s\S]*?(?:"""|$)|'''[\s\S]*?(?:'''|$)|${STRING}|[\w.-]+|[[\]{}=,\n]`,
  "g",
);

/** A line as pairs of kind ("" for the rest) and text. `within` is the quote that is open before it, and the last of the answer after it. */
export function pieces(line, within) {
  const found = [];
  let at = 0;
  const take = (kind, end) => {
    if (end > at) found.push([kind, line.slice(at, end)]);
    at = end;
  };
  const close = () => {
    const end = line.indexOf(within, at === 0 ? 0 : at + 3);
    take("string", end < 0 ? line.length : end + 3);
    if (end >= 0) within = "";
  };
  if (within) close();
  PIECES.lastIndex = at;
  for (let match = PIECES.exec(line); match && !within; match = PIECES.exec(line)) {
    const [kind] = Object.entries(match.groups).find(([, text]) => text !== undefined);
    take("", match.index);
    if (kind === "open") {
      within = match[0];
      close();
    } else take(kind, match.index + match[0].length);
    PIECES.lastIndex = at;
  }
  take(within ? "string" : "", line.length);
  return [found, within];
}

/** What may stand at the caret by the tree of words: { from, to, offers }; no offers where nothing is known. */
export function suggestions(tree, text, caret) {
  const start = text.lastIndexOf("\n", caret - 1) + 1;
  const line = text.slice(start, caret);
  if (/^[ \t]*\[\[?[\w.-]*$/.test(line) && !isWithin(text, start)) return chosen(headers(tree), line.trimStart(), text, caret);
  const [path, body] = table(text, start);
  const place = stand(text.slice(body, caret));
  const node = [...path, ...place.path].reduce((at, name) => at?.keys[name] ?? at?.keys["*"], tree);
  if (!node || place.comment) return { from: caret, to: caret, offers: [] };
  if (!place.isKey) return chosen(node.list === place.isList ? node.values : [], place.typed, text, caret);
  const used = place.isTop ? [...place.used, ...keysAfter(text, caret)] : place.used;
  const keys = Object.keys(node.keys).filter((name) => name !== "*" && !used.includes(name));
  return chosen(keys.map((name) => `${name} = `), place.typed, text, caret);
}

function chosen(words, typed, text, caret) {
  const bare = typed.replace(/^"/, "");
  const offers = words.filter((each) => each.replace(/^"/, "").startsWith(bare) && each.trimEnd() !== typed);
  // The quote that closes a word may stand there already.
  const to = typed.startsWith('"') && text[caret] === '"' ? caret + 1 : caret;
  return { from: caret - typed.length, to, offers };
}

/** The headings that a document may have: `[devices]`, `[levels.otp]`, `[[rules]]`. */
function headers(tree, before = "") {
  return Object.entries(tree.keys).flatMap(([name, node]) => {
    if (name === "*" || !Object.keys(node.keys).length) return [];
    const full = before + name;
    if (node.list) return before ? [] : [`[[${full}]]`, ...headers(node, `${full}.`)];
    return [`[${full}]`, ...(before ? [] : headers(node, `${full}.`))];
  });
}

/** The table that this line belongs to, and where its lines begin. */
function table(text, start) {
  for (let end = start; end > 0; ) {
    const begin = text.lastIndexOf("\n", end - 2) + 1;
    const header = HEADER.exec(text.slice(begin, end - 1));
    if (header && !isWithin(text, begin)) return [header[1].split("."), end];
    end = begin;
  }
  return [[], 0];
}

/** Whether a line begins inside of brackets: a heading is none there. */
function isWithin(text, begin) {
  const before = text.slice(0, begin).trimEnd();
  return /[[,{=]$/.test(before.slice(before.lastIndexOf("\n") + 1).replace(/#.*$/, "").trimEnd());
}

/** Where the end of a table's text stands: behind which keys, at a key or a value, and what of it is typed. */
function stand(body) {
  const levels = [{ open: "", key: null, used: [] }];
  let word = "";
  let last = null;
  for (const match of body.matchAll(TOKENS)) {
    const [token] = match;
    const level = levels.at(-1);
    last = match;
    if (token === "=" && level.open !== "[" && level.key === null) [level.key, level.used] = [word, [...level.used, word]];
    else if (token === "[" || token === "{") levels.push({ open: token, key: null, used: [] });
    else if ((token === "]" || token === "}") && levels.length > 1) levels.pop();
    else if (level.open === "{" ? token === "," : level.open === "" && token === "\n") level.key = null;
    else if (/^[\w"']/.test(token)) word = token;
  }
  const level = levels.at(-1);
  const touches = last !== null && last.index + last[0].length === body.length;
  return {
    path: levels.flatMap(({ key }) => (key === null ? [] : key.split("."))),
    isKey: level.open !== "[" && level.key === null,
    isList: level.open === "[",
    isTop: levels.length === 1,
    used: level.used,
    comment: touches && last[0].startsWith("#"),
    typed: touches && /^[\w"'-]/.test(last[0]) ? last[0] : "",
  };
}

function keysAfter(text, caret) {
  const [rest] = text.slice(caret).split(/\n[ \t]*\[/, 1);
  return [...rest.matchAll(/^[ \t]*([\w-]+)[ \t]*=/gm)].map(([, name]) => name);
}
