import { part, say, showJson } from "./dom.js";

const SHOWN = 50;
let underWay;

/** The server-sent events of an answer: `{name, data}`. */
async function* eventsOf(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const blocks = (rest + value).split("\n\n");
    rest = blocks.pop();
    for (const block of blocks) {
      const fields = Object.fromEntries(block.split("\n").map((line) => [line.split(": ", 1)[0], line.slice(line.indexOf(": ") + 2)]));
      if (fields.event) yield { name: fields.event, data: JSON.parse(fields.data) };
    }
  }
}

/** Shows each message of the subscription that `answer` streams, the newest first, until it ends. */
async function show(answer) {
  const told = [];
  for await (const { name, data } of eventsOf(answer.body)) {
    if (name === "complete") return told;
    told.unshift(data);
    showJson(part("messages"), told.slice(0, SHOWN));
    say(part("live-status"), `Streaming: ${told.length === 1 ? "1 message" : `${told.length} messages`}`, Boolean(data.errors));
  }
  throw new Error("the connection broke");
}

/** Follows a subscription instead of the one before. `ask(options)` sends it; what is not a stream goes to `refused`. */
export async function follow(ask, refused) {
  underWay?.abort();
  const ours = (underWay = new AbortController());
  const end = (text, bad) => {
    if (underWay !== ours) return;
    say(part("live-status"), text, bad);
    part("stop").disabled = true;
  };
  part("live").hidden = false;
  part("stop").disabled = false;
  part("messages").replaceChildren();
  say(part("live-status"), "Connecting ...");
  try {
    const answer = await ask({ accept: "text/event-stream" }, ours.signal);
    if (!answer.headers.get("content-type")?.startsWith("text/event-stream")) {
      part("live").hidden = true;
      return await refused(answer);
    }
    say(part("live-status"), "Streaming: nothing has happened yet");
    const told = await show(answer);
    end("Ended by the server", Boolean(told[0]?.errors));
  } catch (error) {
    if (ours.signal.aborted) end("Stopped");
    else end(`Broken off: ${error.message}`, true);
  }
}

export function offerStopping() {
  part("stop").addEventListener("click", () => underWay?.abort());
}
