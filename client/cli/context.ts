/** What every command gets: the global options, the site (read when first asked for), output, work. */
import type { Logger, Work } from '../../activities/work.ts';
import type { Site } from '../../activities/site.ts';
import { interruptedBy, watchInterrupt, type Interrupt } from './interrupt.ts';
import { createOutput, type Output, type Streams } from './output.ts';

export interface GlobalOptions {
  /** -c FILE */
  readonly config?: string;
  readonly host?: string;
  readonly json?: boolean;
  /** How often -v was given. */
  readonly verbose?: number;
}

export interface Cli {
  readonly env: NodeJS.ProcessEnv;
  readonly cwd: string;
  readonly options: GlobalOptions;
  readonly out: Output;
  /** Aborted by ^C. */
  readonly signal: AbortSignal;
  readonly interrupt: Interrupt;
  /** The site of the config, read once. Which file was used is said with -v. */
  readonly site: () => Promise<Site>;
  /** Reads the config anew: the steps of a long-lived worker see each change. */
  readonly reopenSite: () => Promise<Site>;
  /** The config file that counts, without reading it. */
  readonly configFile: () => Promise<string>;
  readonly log: () => Promise<Logger>;
  /** Work of this process: cancelled by ^C, progress on stderr, under the name of what it is for where one is given. */
  readonly work: (of?: string) => Promise<Work>;
  /** Ends the command with a status although it printed a result: 3 partial, 9 verification failed, 10 doctor. */
  readonly exitWith: (status: number) => void;
  /** What `exitWith` said; 0 before. */
  readonly status: () => number;
  /** Replaces secrets that were read by `***`. */
  readonly redact: (text: string) => string;
}

export interface CliSetup extends Streams {
  readonly env: NodeJS.ProcessEnv;
  readonly cwd: string;
  readonly options: GlobalOptions;
  /** What ends it in place of the signals of its process, which are another's. */
  readonly signal?: AbortSignal;
}

/** Milliseconds without any sign of life after which children of the command line's own work are ended. */
const STANDSTILL = 600_000;

export function createCli({ env, cwd, options, stdout, stderr, signal }: CliSetup): Cli {
  const out = createOutput({ json: options.json ?? false, env, stdout, stderr });
  const interrupt = signal ? interruptedBy(signal) : watchInterrupt(out, (status) => process.exit(status));
  let status = 0;
  let site: Promise<Site> | undefined;
  let loaded: Site | undefined;
  let logger: Promise<Logger> | undefined;

  const redact = (text: string) => loaded?.redact(text) ?? text;

  function log(): Promise<Logger> {
    logger ??= import('./log.ts').then(({ createLogger }) =>
      createLogger({ verbose: options.verbose ?? 0, out, redact }),
    );
    return logger;
  }

  async function configFile(): Promise<string> {
    const { findConfigFile } = await import('../../activities/config/find.ts');
    const { file, because } = await findConfigFile({ file: options.config, env, cwd });
    if (options.verbose) (await log()).info({ file, because }, 'config');
    return file;
  }

  async function load(until?: AbortSignal): Promise<Site> {
    const { loadSite } = await import('../../activities/config/load.ts');
    const { warn } = await log().then((log) => ({ warn: (message: string) => log.warn({}, message) }));
    loaded = await loadSite({ file: await configFile(), host: options.host, env, cwd, warn, signal: until });
    return loaded;
  }

  return {
    env,
    cwd,
    options,
    out,
    signal: interrupt.signal,
    interrupt,
    configFile,
    log,
    redact,
    site: () => (site ??= load(interrupt.signal)),
    // Steps that have begun may end when a worker is stopped: what stops them is their own signal.
    reopenSite: () => load(),
    exitWith: (wanted) => {
      status = wanted;
    },
    status: () => status,
    async work(of) {
      const { progressPrinter } = await import('./progress.ts');
      return { signal: interrupt.signal, progress: progressPrinter(out, of), log: await log(), standstill: STANDSTILL };
    },
  };
}
