/** Queries, mutations and subscriptions of one instance, typed by their documents. */
import { print } from "@0no-co/graphql.web";
import type { TadaDocumentNode } from "gql.tada";
import { DripPulseError, type GraphQLErrorEntry } from "./errors.ts";
import { HEAD, readEvents, type ServerEvent } from "./events.ts";

const GRAPHQL_JSON = "application/graphql-response+json";
const EVENTS = "text/event-stream";
const LONGEST_PAUSE = 30_000;

export interface ClientOptions {
  /** Of the instance, such as `https://crm.example.com`. */
  url: string;
  /** An API key or a session token, or where to get it. It is never sent anywhere else. */
  token: string | (() => string | Promise<string>);
  /** What the usage figures call this program. */
  name?: string;
  version?: string;
  /** Send ids of documents instead of their texts. Register them with `drippulse graphql documents push`. */
  trusted?: boolean;
  /** How long a subscription waits before it connects again, doubled with each failure; a second unless given. */
  reconnectMilliseconds?: number;
  /** The global one unless given. */
  fetch?: typeof globalThis.fetch;
}

export interface CallOptions {
  signal?: AbortSignal;
}

export interface SubscribeOptions extends CallOptions {
  /** Called each time the instance has taken the subscription up: whatever happens from then on is told, even if the
   * connection breaks before the first message. */
  onOpen?: () => void;
}

interface Answer<Result> {
  data?: Result | null;
  errors?: readonly GraphQLErrorEntry[];
}

type Given<Variables, Options = CallOptions> = Record<string, never> extends Variables
  ? [variables?: Variables, options?: Options]
  : [variables: Variables, options?: Options];

/** The text of a document as this client sends and hashes it. */
export function textOf(document: TadaDocumentNode<any, any>): string {
  return print(document as unknown as Parameters<typeof print>[0]);
}

/** `sha256:...` of a document's text: what it is registered and run by. */
export async function documentId(document: TadaDocumentNode<any, any>): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(textOf(document)));
  return `sha256:${Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("")}`;
}

/** What `drippulse graphql documents push` takes: id -> text. */
export async function manifest(documents: readonly TadaDocumentNode<any, any>[]): Promise<Record<string, string>> {
  return Object.fromEntries(await Promise.all(documents.map(async (one) => [await documentId(one), textOf(one)] as const)));
}

export class DripPulse {
  readonly #options: ClientOptions;
  readonly #endpoint: string;
  readonly #fetch: typeof globalThis.fetch;

  constructor(options: ClientOptions) {
    this.#options = options;
    this.#endpoint = `${options.url.replace(/\/+$/, "")}/graphql`;
    this.#fetch = options.fetch ?? globalThis.fetch.bind(globalThis);
  }

  /** The data of a query. Throws DripPulseError when there is any error. */
  query<Result, Variables>(document: TadaDocumentNode<Result, Variables>, ...given: Given<Variables>): Promise<Result> {
    return this.#run(document, ...given);
  }

  /** The data of a mutation; `userErrors` in it are the caller's to read. Throws DripPulseError. */
  mutate<Result, Variables>(document: TadaDocumentNode<Result, Variables>, ...given: Given<Variables>): Promise<Result> {
    return this.#run(document, ...given);
  }

  /**
   * The results of a subscription, until it ends or the loop is left. A connection that breaks is made again and goes on
   * where it broke off. Throws DripPulseError for what the instance refuses.
   */
  async *subscribe<Result, Variables>(
    document: TadaDocumentNode<Result, Variables>,
    ...[variables, options]: Given<Variables, SubscribeOptions>
  ): AsyncGenerator<Result, void, undefined> {
    const left = new AbortController();
    const signal = options?.signal === undefined ? left.signal : AbortSignal.any([left.signal, options.signal]);
    const place: { id?: string } = {};
    try {
      for (let failures = 0; ; failures += 1) {
        try {
          let open = false;
          for await (const { event, data, id } of this.#events(document, variables, signal, place.id)) {
            if (id !== undefined) place.id = id;
            const result = event === "next" ? dataOf(200, JSON.parse(data) as Answer<Result>) : undefined;
            if (!open) options?.onOpen?.(); // not before the place is known where to go on if nothing more arrives
            open = true;
            if (event !== HEAD) failures = 0;
            if (event === "complete") return;
            if (result !== undefined) yield result;
          }
        } catch (error) {
          if (error instanceof DripPulseError && error.status < 500) throw error;
          signal.throwIfAborted();
        }
        const first = this.#options.reconnectMilliseconds ?? 1_000;
        await pause(Math.min(first * 2 ** failures, LONGEST_PAUSE), signal);
      }
    } finally {
      left.abort();
    }
  }

  async *#events(
    document: TadaDocumentNode<any, any>,
    variables: unknown,
    signal: AbortSignal,
    after: string | undefined,
  ): AsyncGenerator<ServerEvent> {
    const response = await this.#send(document, variables, EVENTS, signal, after);
    const streams = response.headers.get("content-type")?.startsWith(EVENTS) ?? false;
    if (!response.ok || !streams || response.body === null) {
      dataOf(response.status, await answerOf(response));
      throw new DripPulseError(response.status, []);
    }
    yield* readEvents(response.body);
  }

  async #run<Result, Variables>(
    document: TadaDocumentNode<Result, Variables>,
    ...[variables, options]: Given<Variables>
  ): Promise<Result> {
    const response = await this.#send(document, variables, GRAPHQL_JSON, options?.signal);
    return dataOf(response.status, await answerOf<Result>(response));
  }

  async #send(
    document: TadaDocumentNode<any, any>,
    variables: unknown,
    accept: string,
    signal: AbortSignal | undefined,
    after?: string,
  ): Promise<Response> {
    const { token, name, version, trusted } = this.#options;
    const what = trusted === true ? { documentId: await documentId(document) } : { query: textOf(document) };
    return this.#fetch(this.#endpoint, {
      method: "POST",
      headers: {
        accept,
        authorization: `Bearer ${typeof token === "function" ? await token() : token}`,
        "content-type": "application/json",
        ...(after === undefined ? {} : { "last-event-id": after }),
        ...(name === undefined ? {} : { "x-client-name": name }),
        ...(version === undefined ? {} : { "x-client-version": version }),
      },
      body: JSON.stringify({ ...what, variables: variables ?? {} }),
      ...(signal === undefined ? {} : { signal }),
    });
  }
}

async function answerOf<Result>(response: Response): Promise<Answer<Result>> {
  const text = await response.text();
  try {
    return JSON.parse(text) as Answer<Result>;
  } catch {
    return { errors: [{ message: `The instance answered ${response.status}, and no JSON.` }] };
  }
}

function dataOf<Result>(status: number, answer: Answer<Result>): Result {
  if (answer.errors !== undefined || answer.data === undefined || answer.data === null) {
    throw new DripPulseError(status, answer.errors ?? [], answer.data);
  }
  return answer.data;
}

function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = (): void => {
      clearTimeout(timer);
      reject(signal.reason as Error);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener("abort", stop);
      resolve();
    }, milliseconds);
    signal.addEventListener("abort", stop, { once: true });
  });
}
