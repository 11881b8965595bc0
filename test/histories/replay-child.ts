/** `node replay-child.ts BUNDLE`: replays all kept histories, and prints those that broke as JSON. */
import { Worker } from '@temporalio/worker';
import { installRuntime } from '../../workers/runtime.ts';
import { testWork } from '../support/work.ts';
import { decodeHistory } from './decode.ts';
import { recordedHistories } from './recorded.ts';

const [, , codePath = ''] = process.argv;
installRuntime(testWork().log, null);
const recorded = await recordedHistories();
const histories = recorded.map(({ workflowId, history }) => ({ workflowId, history: decodeHistory(history) }));
const broken: { name: string; why: string }[] = [];
let done = 0;
// Several may bear one id: results come one by one, in this order.
for await (const { error } of Worker.runReplayHistories({ workflowBundle: { codePath } }, histories)) {
  const name = recorded[done++]?.name ?? '';
  // The SDK wraps what differs in pages of Rust.
  if (error) broken.push({ name, why: /\[TMPRL\d+\] [^"]*/.exec(error.message)?.[0] ?? error.message });
}
if (done !== recorded.length) throw new Error(`${done} of ${recorded.length} histories were replayed`);
console.log(JSON.stringify(broken));
