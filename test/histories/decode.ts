/** Kept histories as the SDK's replay wants them. */
import type { ReplayHistoriesIterable } from '@temporalio/worker';
import { createRequire } from 'node:module';

type History = ReplayHistoriesIterable extends infer Histories
  ? Histories extends Iterable<{ history: infer One }>
    ? One
    : never
  : never;

/** What of the SDK's packages is used here: they type neither. */
interface Root {
  lookupType(name: string): object;
}
interface ProtoJson {
  readonly fromJson: (type: object, value: unknown, options: { readonly ignoreUnknownFields: boolean }) => History;
}

// The SDK's own `historyFromJSON` refuses every history ("type must be a Type") where npm has given each of its packages a protobufjs of
// its own, as it does here: the types come from one copy of it, and the decoder from another. This takes both from one.
const ofTest = createRequire(import.meta.url);
const ofProto = createRequire(ofTest.resolve('@temporalio/proto'));
const proto: Root = ofProto('@temporalio/proto');
const { fromJson }: ProtoJson = ofProto('protobufjs/ext/protojson');

export function decodeHistory(json: unknown): History {
  return fromJson(proto.lookupType('temporal.api.history.v1.History'), json, { ignoreUnknownFields: true });
}
