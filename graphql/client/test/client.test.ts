/** Against a running instance: DRIPPULSE_URL, DRIPPULSE_KEY and DRIPPULSE_WORKFLOW say which. */
import assert from "node:assert/strict";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { Enroll, enroll, newcomers, Overview, overview } from "../example/overview.ts";
import { DripPulse, DripPulseError, documentId, graphql, manifest } from "../src/index.ts";

const url = process.env["DRIPPULSE_URL"] ?? "";
const key = process.env["DRIPPULSE_KEY"] ?? "";
const workflow = process.env["DRIPPULSE_WORKFLOW"] ?? "";
const drippulse = new DripPulse({ url: `${url}/`, token: async () => key, name: "example", version: "1.0" });

test("the example reads and writes", async () => {
  assert.equal(await enroll(drippulse, workflow, ["ada@example.com", "grace@example.com"]), 2);
  const [head, line] = await overview(drippulse);
  assert.match(head ?? "", /: 1$/);
  assert.match(line ?? "", /: 2 active, 0 completed, 0 failed$/);
  await assert.rejects(enroll(drippulse, "999999999", ["ada@example.com"]), /workflow/);
});

test("the example hears of what happens", async () => {
  let opened: (() => void) | undefined;
  const open = new Promise<void>((resolve) => (opened = resolve));
  const heard = newcomers(drippulse, workflow, 2, { onOpen: () => opened?.() });
  await open;
  await enroll(drippulse, workflow, ["joan@example.com", "hedy@example.com"]);
  assert.deepEqual((await heard).sort(), ["hedy@example.com", "joan@example.com"]);
});

test("what happens after onOpen is told, although the stream breaks before its first message", async () => {
  const places: (string | null)[] = [];
  let cut: (() => void) | undefined;
  const breaking: typeof fetch = async (input, init) => {
    places.push(new Headers(init?.headers).get("last-event-id"));
    const response = await fetch(input, init);
    if (cut !== undefined || response.body === null) return response;
    const broken = new TransformStream<Uint8Array, Uint8Array>({
      start: (controller) => void (cut = () => controller.error(new Error("cut"))),
    });
    response.body.pipeTo(broken.writable).catch(() => undefined);
    return new Response(broken.readable, { status: response.status, headers: response.headers });
  };
  const fragile = new DripPulse({ url, token: key, reconnectMilliseconds: 50, fetch: breaking });
  const opened: Promise<number>[] = [];
  const heard = newcomers(fragile, workflow, 1, {
    onOpen: () => {
      if (opened.length > 0) return;
      cut?.();
      opened.push(enroll(drippulse, workflow, ["margaret@example.com"]));
    },
  });
  assert.deepEqual(await heard, ["margaret@example.com"]);
  await Promise.all(opened);
  assert.equal(places.length, 2);
  assert.equal(places[0], null);
  assert.match(places[1] ?? "", /./);
});

test("what is refused is thrown with its code", async () => {
  const stranger = new DripPulse({ url, token: "adcrm_live_nobody" });
  await assert.rejects(stranger.query(Overview, { first: 1 }), (error: unknown) => {
    assert.ok(error instanceof DripPulseError);
    assert.deepEqual([error.status, error.code], [401, "invalid_token"]);
    return true;
  });
});

test("documents that are registered run by their ids, and no others do", async () => {
  const trusted = new DripPulse({ url, token: key, trusted: true });
  await assert.rejects(trusted.query(Overview, { first: 1 }), (error: unknown) => {
    assert.ok(error instanceof DripPulseError);
    return error.code === "document_not_found";
  });
  const documents = await manifest([Overview, Enroll]);
  assert.ok((await documentId(Overview)) in documents);
  const answer = await fetch(`${url}/api/v1/graphql/documents`, {
    method: "PUT",
    headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
    body: JSON.stringify({ client: "example", documents }),
  });
  assert.equal(answer.status, 200, await answer.text());
  assert.equal((await trusted.query(Overview, { first: 1 })).workflows.totalCount, 1);
});

type Handler = (request: IncomingMessage, response: ServerResponse, turn: number) => void;

async function serving(handle: Handler, use: (client: DripPulse) => Promise<void>): Promise<void> {
  let turn = 0;
  const server = createServer((request, response) => handle(request, response, (turn += 1)));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  try {
    await use(new DripPulse({ url: `http://127.0.0.1:${port}`, token: "t", reconnectMilliseconds: 5 }));
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

const Role = graphql(`query Role { viewer { role } }`);
const next = (role: string, id: string): string =>
  `id: ${id}\r\nevent: next\r\ndata: {"data":\r\ndata: {"viewer":{"role":"${role}"}}}\r\n\r\n`;

test("a stream that breaks goes on where it broke off, and ends when it is complete", async () => {
  const seen: (string | undefined)[] = [];
  await serving(
    (request, response, turn) => {
      seen.push(request.headers["last-event-id"] as string | undefined);
      if (turn === 2) return void response.writeHead(503).end();
      response.writeHead(200, { "content-type": "text/event-stream" });
      if (turn === 1) {
        const text = `:\n\n${next("ADMIN", "a")}`;
        for (const part of text.match(/[^]{1,7}/g) ?? []) response.write(part);
        return void setTimeout(() => response.destroy(), 30);
      }
      response.end(`${next("VIEWER", "b")}event: complete\ndata: {}\n\n`);
    },
    async (client) => {
      const roles: string[] = [];
      for await (const { viewer } of client.subscribe(Role)) roles.push(viewer.role);
      assert.deepEqual(roles, ["ADMIN", "VIEWER"]);
      assert.deepEqual(seen, [undefined, "a", "a"]);
    },
  );
});

test("an id without data is where to go on, and no event", async () => {
  const seen: (string | undefined)[] = [];
  await serving(
    (request, response, turn) => {
      seen.push(request.headers["last-event-id"] as string | undefined);
      response.writeHead(200, { "content-type": "text/event-stream" });
      if (turn === 1) {
        response.write("retry: 1000\nid: head\n\nid: never whole");
        return void setTimeout(() => response.destroy(), 30);
      }
      if (turn === 2) return void response.end("retry: 1000\n\n");
      response.end(`id: again\n\n${next("VIEWER", "b")}event: complete\ndata: {}\n\n`);
    },
    async (client) => {
      const roles: string[] = [];
      for await (const { viewer } of client.subscribe(Role)) roles.push(viewer.role);
      assert.deepEqual(roles, ["VIEWER"]);
      assert.deepEqual(seen, [undefined, "head", "head"]);
    },
  );
});

test("a stream that is refused is not tried again, and one that is left is closed", async () => {
  let closed = 0;
  await serving(
    (request, response, turn) => {
      if (turn === 1) {
        response.writeHead(401, { "content-type": "application/json" });
        return void response.end('{"errors":[{"message":"No.","extensions":{"code":"invalid_token"}}]}');
      }
      response.writeHead(200, { "content-type": "text/event-stream" });
      if (turn === 2) {
        return void response.end('event: next\ndata: {"errors":[{"message":"No.","extensions":{"code":"x"}}]}\n\n');
      }
      request.on("close", () => (closed += 1));
      response.write(next("ADMIN", "a"));
    },
    async (client) => {
      const first = async (): Promise<string> => {
        for await (const { viewer } of client.subscribe(Role)) return viewer.role;
        return "nothing";
      };
      await assert.rejects(first(), (error: unknown) => error instanceof DripPulseError && error.code === "invalid_token");
      await assert.rejects(first(), (error: unknown) => error instanceof DripPulseError && error.code === "x");
      assert.equal(await first(), "ADMIN");
      await new Promise((resolve) => setTimeout(resolve, 50));
      assert.equal(closed, 1);
    },
  );
});

// What does not fit the schema is no program: each line below has to be refused by the compiler.
export function refusedByTheCompiler(client: DripPulse): void {
  // @ts-expect-error a variable is missing
  void client.query(Overview);
  // @ts-expect-error it is a number
  void client.query(Overview, { first: "1" });
  // @ts-expect-error there is no such field
  void client.query(Role).then(({ viewer }) => viewer.name);
}
