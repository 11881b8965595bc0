/** Records the histories that are replayed: `npm run histories`, or with names of scenes for some of them. */
import { cleanUp } from '../support/folders.ts';
import { coordinator } from './scenes/coordinator.ts';
import { drills } from './scenes/drills.ts';
import { killed } from './scenes/killed.ts';
import { rotation } from './scenes/rotation.ts';
import { runs } from './scenes/runs.ts';
import { restores } from './scenes/restores.ts';
import { thaw } from './scenes/thaw.ts';
import { ticks } from './scenes/ticks.ts';
import { timed } from './scenes/timed.ts';
import { openStage, type Scene } from './stage.ts';

const SCENES: readonly Scene[] = [runs, timed, killed, coordinator, ticks, rotation, thaw, drills, restores];

const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !SCENES.some((scene) => scene.name === name));
if (unknown.length > 0) {
  console.error(`There is no scene ${unknown.join(', ')}. There are: ${SCENES.map(({ name }) => name).join(', ')}.`);
  process.exit(2);
}
const stage = await openStage();
try {
  for (const { name, play } of SCENES) {
    if (wanted.length > 0 && !wanted.includes(name)) continue;
    console.error(`${name} …`);
    await play(stage);
  }
} finally {
  await stage.stop();
  await cleanUp();
}
