"use strict";

const part = (id) => document.getElementById(id);
const read = (id) => JSON.parse(part(id).textContent);
const query = part("query");
const variables = part("variables");
const credential = part("credential");
const status = part("status");
const result = part("result");
const LONGEST_COLOURED = 300_000;

/** Text in a coloured span; nothing that comes from outside is ever read as HTML. */
function piece(text, kind) {
  const element = document.createElement("span");
  element.className = kind;
  element.textContent = text;
  return element;
}

/** Fills `target` with `text`, each match of `pattern` turned into a node by `made(match)`. */
function fill(target, text, pattern, made) {
  const nodes = [];
  let end = 0;
  for (const match of text.matchAll(pattern)) {
    nodes.push(text.slice(end, match.index), made(match));
    end = match.index + match[0].length;
  }
  target.replaceChildren(...nodes, text.slice(end));
}

function showJson(value) {
  const text = JSON.stringify(value, null, 2);
  if (text.length > LONGEST_COLOURED) {
    result.textContent = text;
    return;
  }
  fill(result, text, /("(?:[^"\\]|\\.)*")(?=\s*:)|("(?:[^"\\]|\\.)*")|(-?\d[\d.eE+-]*)|(true|false|null)/g, (match) => {
    const kind = ["key", "string", "number", "word"][match.slice(1).findIndex((group) => group !== undefined)];
    return piece(match[0], kind);
  });
}

function say(text, bad = false) {
  status.textContent = text;
  status.classList.toggle("bad", bad);
}

/** The request's body; undefined, and said so, when the variables are not JSON. */
function body() {
  const text = variables.value.trim();
  if (!text) return { query: query.value };
  try {
    return { query: query.value, variables: JSON.parse(text) };
  } catch (error) {
    say(`The variables are not JSON: ${error.message}`, true);
    variables.focus();
    return undefined;
  }
}

async function run() {
  const asked = body();
  if (!asked) return;
  if (!credential.value.trim()) {
    say("Enter a credential first: an API key (adcrm_live_...) or a session token.", true);
    credential.focus();
    return;
  }
  part("run").disabled = true;
  say("Running ...");
  const began = performance.now();
  try {
    const answer = await fetch("/graphql", {
      method: "POST",
      headers: { "content-type": "application/json", authorization: `Bearer ${credential.value.trim()}` },
      body: JSON.stringify(asked),
    });
    const told = await answer.json();
    const errors = told.errors ? told.errors.length : 0;
    const count = errors === 0 ? "" : errors === 1 ? ", 1 error" : `, ${errors} errors`;
    showJson(told);
    say(`${answer.status} in ${Math.round(performance.now() - began)} ms${count}`, errors > 0);
  } catch (error) {
    result.replaceChildren();
    say(`No usable answer: ${error.message}. Is \`drippulse up\` still running?`, true);
  } finally {
    part("run").disabled = false;
  }
}

/** For a shell where credentials.env was read; the credential itself stays out of the clipboard. */
async function copyCurl() {
  const asked = body();
  if (!asked) return;
  const quoted = JSON.stringify(asked).replaceAll("'", "'\\''");
  const command = [
    `curl -sS ${location.origin}/graphql`,
    '-H "Authorization: Bearer $DRIPPULSE_API_KEY"',
    '-H "Content-Type: application/json"',
    `-d '${quoted}'`,
  ].join(" \\\n  ");
  try {
    await navigator.clipboard.writeText(command);
    part("copied").textContent = "Copied.";
  } catch {
    result.textContent = command;
    say("The clipboard is closed to this page; here is the command.");
  }
}

function offerExamples() {
  const examples = read("examples");
  const list = part("example");
  list.replaceChildren(...examples.map((example, index) => new Option(example.title, index)));
  const show = (example) => {
    query.value = example.query;
    variables.value = Object.keys(example.variables).length ? JSON.stringify(example.variables, null, 2) : "";
  };
  list.addEventListener("change", () => show(examples[list.value]));
  show(examples[0]);
}

/** The SDL, one block a type, with every type's name as a link to its block. */
function showSchema() {
  const blocks = read("sdl");
  const names = new Set(blocks.map((block) => block.name));
  const elements = blocks.map((block) => {
    const element = document.createElement("div");
    element.id = `type-${block.name}`;
    fill(element, block.text, /("""[^]*?""")|\b([A-Z]\w*)\b|\b(type|input|enum|interface|scalar|union|implements)(?= )/g, (match) => {
      if (match[1]) return piece(match[0], "note");
      if (match[3]) return piece(match[0], "word");
      if (!names.has(match[2])) return match[0];
      const link = document.createElement("a");
      link.href = `#type-${match[2]}`;
      link.textContent = match[2];
      return link;
    });
    return element;
  });
  part("schema").replaceChildren(...elements);
  const filter = () => {
    const wanted = part("find").value.trim().toLowerCase();
    for (const element of elements) element.hidden = !element.textContent.toLowerCase().includes(wanted);
    const shown = elements.filter((element) => !element.hidden).length;
    part("found").textContent = wanted ? `${shown} of ${elements.length} types` : `${elements.length} types`;
  };
  part("find").addEventListener("input", filter);
  part("schema").addEventListener("click", (event) => {
    if (event.target.tagName !== "A") return;
    part("find").value = "";
    filter();
  });
  filter();
}

credential.value = sessionStorage.getItem("credential") ?? "";
credential.addEventListener("input", () => sessionStorage.setItem("credential", credential.value));
part("operation").addEventListener("submit", (event) => {
  event.preventDefault();
  void run();
});
part("operation").addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
    event.preventDefault();
    void run();
  }
});
part("curl").addEventListener("click", () => void copyCurl());
offerExamples();
showSchema();
