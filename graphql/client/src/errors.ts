/** One entry of `errors`. `code` is stable; `message` is for people. */
export interface GraphQLErrorEntry {
  message: string;
  path?: readonly (string | number)[];
  locations?: readonly { line: number; column: number }[];
  extensions?: { code?: string } & Record<string, unknown>;
}

/** What the instance refused, or could not do. `data` has what it could. */
export class DripPulseError extends Error {
  override readonly name = "DripPulseError";
  readonly status: number;
  readonly errors: readonly GraphQLErrorEntry[];
  readonly data: unknown;

  constructor(status: number, errors: readonly GraphQLErrorEntry[], data: unknown = null) {
    super(errors.map((error) => error.message).join(" ") || `The instance answered ${status}.`);
    this.status = status;
    this.errors = errors;
    this.data = data;
  }

  /** The code of the first error, such as `untrusted_document`. */
  get code(): string {
    return this.errors[0]?.extensions?.code ?? "unknown";
  }
}
