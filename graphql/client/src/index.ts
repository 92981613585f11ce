export { DripPulse, documentId, manifest, textOf, type CallOptions, type ClientOptions, type SubscribeOptions } from "./client.ts";
export { DripPulseError, type GraphQLErrorEntry } from "./errors.ts";
export { graphql, readFragment, type FragmentOf, type ResultOf, type VariablesOf } from "./graphql.ts";
