import { fill, part, piece, read } from "./dom.js";

/** The SDL, one block a type, with every type's name as a link to its block. */
export function showSchema() {
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
