import { part, say, showJson } from "./dom.js";
import { remember } from "./examples.js";
import { follow } from "./stream.js";

const credential = part("credential");
const status = part("status");
const result = part("result");
const SUBSCRIPTION = /^\s*subscription\b/m;

/** The request's body; undefined, and said so, when the variables are not JSON. */
function body() {
  const query = part("query").value;
  const text = part("variables").value.trim();
  if (!text) return { query };
  try {
    return { query, variables: JSON.parse(text) };
  } catch (error) {
    say(status, `The variables are not JSON: ${error.message}`, true);
    part("variables").focus();
    return undefined;
  }
}

function asking(asked) {
  return (headers, signal) =>
    fetch("/graphql", {
      method: "POST",
      headers: { "content-type": "application/json", authorization: `Bearer ${credential.value.trim()}`, ...headers },
      body: JSON.stringify(asked),
      signal,
    });
}

async function show(answer, began) {
  const told = await answer.json();
  const errors = told.errors ? told.errors.length : 0;
  const count = errors === 0 ? "" : errors === 1 ? ", 1 error" : `, ${errors} errors`;
  showJson(result, told);
  say(status, `${answer.status} in ${Math.round(performance.now() - began)} ms${count}`, errors > 0);
  remember(told.data);
}

export async function run() {
  const asked = body();
  if (!asked) return;
  if (!credential.value.trim()) {
    say(status, "Enter a credential first: an API key (adcrm_live_...) or a session token.", true);
    credential.focus();
    return;
  }
  const began = performance.now();
  const ask = asking(asked);
  if (SUBSCRIPTION.test(asked.query)) {
    say(status, "A subscription: its messages come below.");
    result.replaceChildren();
    await follow(ask, (answer) => show(answer, began));
    return;
  }
  part("run").disabled = true;
  say(status, "Running ...");
  try {
    await show(await ask({}), began);
  } catch (error) {
    result.replaceChildren();
    say(status, `No usable answer: ${error.message}. Is \`drippulse up\` still running?`, true);
  } finally {
    part("run").disabled = false;
  }
}

/** For a shell where credentials.env was read; the credential itself stays out of the clipboard. */
export async function copyCurl() {
  const asked = body();
  if (!asked) return;
  const quoted = JSON.stringify(asked).replaceAll("'", "'\\''");
  const command = [
    `curl -sS ${location.origin}/graphql`,
    '-H "Authorization: Bearer $DRIPPULSE_API_KEY"',
    '-H "Content-Type: application/json"',
    ...(SUBSCRIPTION.test(asked.query) ? ['-N -H "Accept: text/event-stream"'] : []),
    `-d '${quoted}'`,
  ].join(" \\\n  ");
  try {
    await navigator.clipboard.writeText(command);
    part("copied").textContent = "Copied.";
  } catch {
    result.textContent = command;
    say(status, "The clipboard is closed to this page; here is the command.");
  }
}
