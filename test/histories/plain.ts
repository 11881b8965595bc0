/** A history as it is kept: JSON as the Temporal command line shows it, an event a line, with nothing of the machine that made it. */

/** What stands for what: `/dev/shm/mosaic-test-x` for `/srv/prod`, for example. Longer ones first. */
export type Replacements = readonly (readonly [found: string, written: string])[];

/** Facts of the machine and the moment, none of which a replay reads. */
const DROPPED = new Set([
  'identity',
  'stackTrace',
  'taskId',
  'requestId',
  'historySizeBytes',
  'workerVersion',
  'meteringMetadata',
  'binaryChecksum',
  'deploymentVersion',
  'workerDeploymentVersion',
  'workerDeploymentName',
]);

/**
 * @param shown by the Temporal command line, its payloads as they are.
 * @returns JSON that `Worker.runReplayHistory` takes.
 */
export function plainHistory(shown: string, replacements: Replacements): string {
  const { events }: { events: readonly unknown[] } = JSON.parse(shown);
  const lines = events.map((event) => `  ${JSON.stringify(plain(event, replacements))}`);
  return `{"events": [\n${lines.join(',\n')}\n]}\n`;
}

/** All text in a kept history, payloads decoded. */
export function textOf(value: unknown): string {
  if (typeof value === 'string') return value;
  if (Array.isArray(value)) return value.map(textOf).join('\n');
  if (!isObject(value)) return '';
  const rest = isPayload(value) ? { text: decoded(value.data) } : value;
  return Object.values(rest).map(textOf).join('\n');
}

function plain(value: unknown, replacements: Replacements): unknown {
  if (typeof value === 'string') return replaced(value, replacements);
  if (Array.isArray(value)) return value.map((one) => plain(one, replacements));
  if (!isObject(value)) return value;
  if (isPayload(value)) {
    const text = replaced(decoded(value.data), replacements);
    return { ...value, data: Buffer.from(text).toString('base64') };
  }
  const kept = Object.entries(value).filter(([name]) => !DROPPED.has(name));
  return Object.fromEntries(kept.map(([name, one]) => [name, plain(one, replacements)]));
}

function replaced(text: string, replacements: Replacements): string {
  return replacements.reduce((done, [found, written]) => done.replaceAll(found, written), text);
}

function decoded(data: string): string {
  return Buffer.from(data, 'base64').toString('utf8');
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}

function isPayload(value: object): value is { readonly metadata: object; readonly data: string } {
  return 'metadata' in value && 'data' in value && typeof value.data === 'string';
}
