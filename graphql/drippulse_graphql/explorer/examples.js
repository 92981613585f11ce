import { part, read } from "./dom.js";

const KEPT = "answers";
const sections = read("examples");
const examples = sections.flatMap((section) => section.examples);
const list = part("example");

/** Whatever `variables` hold, with each place that needs an earlier example's answer given to `made`. */
function walked(value, made) {
  if (Array.isArray(value)) return value.map((member) => walked(member, made));
  if (value === null || typeof value !== "object") return value;
  if ("answer_of" in value) return made(value);
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, walked(member, made)]));
}

const answers = () => JSON.parse(sessionStorage.getItem(KEPT) ?? "{}");
const key = (need) => `${need.answer_of}: ${need.path}`;

/** Keeps, in this tab, what later examples need of the answer to the chosen one. */
export function remember(data) {
  const kept = answers();
  const keep = (need) => {
    const value = need.path.split(".").reduce((at, name) => at?.[name], data);
    if (need.answer_of === examples[list.value]?.title && value != null) kept[key(need)] = value;
  };
  for (const example of examples) walked(example.variables, keep);
  sessionStorage.setItem(KEPT, JSON.stringify(kept));
}

function choose(index) {
  const example = examples[index];
  const kept = answers();
  const missing = new Set();
  const filled = walked(example.variables, (need) => {
    if (!(key(need) in kept)) missing.add(need.answer_of);
    return kept[key(need)] ?? `${need.path} of “${need.answer_of}”`;
  });
  list.value = index;
  part("query").value = example.query;
  part("variables").value = Object.keys(filled).length ? JSON.stringify(filled, null, 2) : "";
  sayMissing([...missing]);
}

/** Buttons that go to the examples whose answers are missing. */
function sayMissing(titles) {
  const links = titles.map((title) => {
    const link = document.createElement("button");
    link.type = "button";
    link.className = "link";
    link.textContent = title;
    link.addEventListener("click", () => {
      narrow("");
      choose(examples.findIndex((example) => example.title === title));
      part("run").focus();
    });
    return link;
  });
  part("needs").replaceChildren(...links.flatMap((link, index) => [index ? ", then " : "Run first: ", link]));
}

/** `createCrmContact` -> ` create crm contact`. */
const spoken = (text) => ` ${text.replace(/([a-z])(?=[A-Z])/g, "$1 ")}`.toLowerCase().replace(/[^a-z0-9]+/g, " ");

/** Lists the examples in whose title, section or query some word begins with each word of `text`. */
function narrow(text) {
  const chosen = list.value;
  const words = spoken(text).trim().split(" ");
  const matches = (section, example) => {
    const told = spoken(`${section.title} ${example.title} ${example.query}`);
    return words.every((word) => told.includes(` ${word}`));
  };
  const groups = sections.map((section) => {
    const group = document.createElement("optgroup");
    group.label = section.title;
    const found = section.examples.filter((example) => matches(section, example));
    group.append(...found.map((example) => new Option(example.title, examples.indexOf(example))));
    return group;
  });
  list.replaceChildren(...groups.filter((group) => group.children.length));
  list.value = chosen;
  list.scrollTop = 0;
  part("wanted").value = text;
  part("offered").textContent = `${list.options.length} of ${examples.length}`;
}

export function offerExamples() {
  narrow("");
  choose(0);
  list.addEventListener("change", () => choose(list.value));
  part("wanted").addEventListener("input", (event) => narrow(event.target.value));
  part("wanted").addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.ctrlKey || event.metaKey || !list.options.length) return;
    choose(list.options[0].value);
    list.focus();
  });
}
