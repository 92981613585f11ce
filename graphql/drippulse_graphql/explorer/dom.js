export const part = (id) => document.getElementById(id);
export const read = (id) => JSON.parse(part(id).textContent);

const LONGEST_COLOURED = 300_000;
const JSON_TOKENS = /("(?:[^"\\]|\\.)*")(?=\s*:)|("(?:[^"\\]|\\.)*")|(-?\d[\d.eE+-]*)|(true|false|null)/g;

/** Text in a coloured span; nothing that comes from outside is ever read as HTML. */
export function piece(text, kind) {
  const element = document.createElement("span");
  element.className = kind;
  element.textContent = text;
  return element;
}

/** Fills `target` with `text`, each match of `pattern` turned into a node by `made(match)`. */
export function fill(target, text, pattern, made) {
  const nodes = [];
  let end = 0;
  for (const match of text.matchAll(pattern)) {
    nodes.push(text.slice(end, match.index), made(match));
    end = match.index + match[0].length;
  }
  target.replaceChildren(...nodes, text.slice(end));
}

export function showJson(target, value) {
  const text = JSON.stringify(value, null, 2);
  if (text.length > LONGEST_COLOURED) {
    target.textContent = text;
    return;
  }
  fill(target, text, JSON_TOKENS, (match) => {
    const kind = ["key", "string", "number", "word"][match.slice(1).findIndex((group) => group !== undefined)];
    return piece(match[0], kind);
  });
}

/** Tells in an element with the role `status`; what is bad is red. */
export function say(target, text, bad = false) {
  target.textContent = text;
  target.classList.toggle("bad", bad);
}
