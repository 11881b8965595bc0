/** All workers of a simulated fleet in one process: of each host its queues, and one that polls the queue of the site. */
import { DefaultLogger, NativeConnection, Runtime, Worker, type WorkerOptions } from '@temporalio/worker';
import { taskQueues } from '../../../model/run.ts';
import { workflowBundle } from '../../../workers/bundle.ts';
import { fleet } from './messages.ts';
import { hostName, simulatedBackup, simulatedCoordination, simulatedShort } from './simulated-activities.ts';

// Hundreds of workers would say what state each is in.
Runtime.install({ logger: new DefaultLogger('ERROR') });
const of = fleet.parse(JSON.parse(process.argv[2] ?? ''));
const connection = await NativeConnection.connect({ address: of.address });
const common = { connection, namespace: 'default' } satisfies Partial<WorkerOptions>;
// Two pollers each, as a small host needs: hundreds of them share one machine here.
const ofHost = { ...common, maxConcurrentActivityTaskPolls: 2, maxConcurrentActivityTaskExecutions: 4 };
const workers = [
  await Worker.create({
    ...common,
    taskQueue: taskQueues(of.site, '').site,
    workflowBundle: { codePath: await workflowBundle() },
    activities: simulatedCoordination(of),
  }),
];
for (let index = 0; index < of.hosts; index++) {
  const { site: _site, short, ...long } = taskQueues(of.site, hostName(index));
  workers.push(await Worker.create({ ...ofHost, taskQueue: short, activities: simulatedShort() }));
  for (const taskQueue of Object.values(long))
    workers.push(await Worker.create({ ...ofHost, taskQueue, activities: simulatedBackup() }));
}
const running = workers.map((worker) => worker.run());
process.stdout.write('ready\n');
process.stdin.resume().once('end', () => {
  for (const worker of workers) worker.shutdown();
});
await Promise.all(running);
await connection.close();
