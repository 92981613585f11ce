/** Server-sent events of a fetch body: https://html.spec.whatwg.org/multipage/server-sent-events.html */
export interface ServerEvent {
  event: string;
  data: string;
  /** Where to go on after this one, as the stream said last. */
  id?: string;
}

/** What a block without data has for an event: it only says where to go on, or when. */
export const HEAD = "head";
const LINE = /\r\n|\n|\r/;

/** The events of a stream, in their order, and the blocks of fields without any data. Comments are left out. */
export async function* readEvents(body: ReadableStream<Uint8Array>): AsyncGenerator<ServerEvent> {
  const decoder = new TextDecoder();
  const reader = body.getReader();
  let rest = "";
  let event = "";
  let fields = 0;
  let data: string[] = [];
  let id: string | undefined;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      rest += done ? decoder.decode() : decoder.decode(value, { stream: true });
      // A carriage return at the end may be the first half of a line end.
      const lines = (rest.endsWith("\r") && !done ? rest.slice(0, -1) : rest).split(LINE);
      const last = lines.pop() ?? "";
      rest = rest.endsWith("\r") && !done ? `${last}\r` : last;
      for (const line of lines) {
        if (line === "") {
          const kind = event || (data.length > 0 ? "message" : HEAD);
          if (fields > 0) yield { event: kind, data: data.join("\n"), ...(id === undefined ? {} : { id }) };
          event = "";
          fields = 0;
          data = [];
          continue;
        }
        const colon = line.indexOf(":");
        if (colon !== 0) fields += 1;
        const name = colon < 0 ? line : line.slice(0, colon);
        const text = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
        if (name === "event") event = text;
        if (name === "data") data.push(text);
        if (name === "id") id = text;
      }
      if (done) return;
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}
