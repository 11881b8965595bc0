/** What may stand next on a command line: commands, options, and names out of the config and repository. */
import type { Command, Option } from 'commander';

export interface Candidate {
  readonly value: string;
  readonly description: string;
}

/** Names that only the site knows. Each may be slow or fail: then nothing is offered. */
export interface Names {
  sources(): Promise<readonly string[]>;
  destinations(): Promise<readonly string[]>;
  /** Those of the config's own. */
  plans(): Promise<readonly string[]>;
  references(): Promise<readonly string[]>;
}

export type Completion = readonly Candidate[] | 'files' | 'folders';

/** Those that every site has. */
const PLANS = ['daily', 'weekly', 'monthly', 'logs', 'catch-up', 'restore-test'];
const FOLDERS = new Set(['folder']);
const FILES = new Set(['file', 'path']);

/** @param words all words after the program's name; the last one is being written. */
export async function complete(program: Command, words: readonly string[], names: Names): Promise<Completion> {
  // bash splits --source=x at the sign.
  const typed = words.filter((word) => word !== '=');
  const current = typed.at(-1) ?? '';
  const before = typed.slice(0, -1);
  const { command, positions, awaiting } = walk(program, before);
  const split = /^(--[^=]+)=(.*)$/s.exec(current);
  const option = awaiting ?? (split ? optionOf(command, split[1] ?? '') : undefined);
  if (option) return matching(await valuesOf(option, names), split?.[2] ?? current);
  if (current.startsWith('-')) return matching(optionsOf(command).map(optionCandidate), current);
  if (command.commands.length > 0) return matching(visibleCommands(command), current);
  const argument = command.registeredArguments[positions];
  if (!argument) return [];
  return matching(argument.argChoices?.map(bare) ?? (await valuesNamed(argument.name(), names)), current);
}

/** The lines that the scripts of shells read. */
export function completionLines(completion: Completion): readonly string[] {
  if (typeof completion === 'string') return [`:${completion}`];
  return completion.map(({ value, description }) => `${value}\t${description}`);
}

interface Walked {
  readonly command: Command;
  /** Arguments of the command that stand there already. */
  readonly positions: number;
  /** The option whose value comes next. */
  readonly awaiting: Option | undefined;
}

function walk(program: Command, words: readonly string[]): Walked {
  let command = program;
  let positions = 0;
  let awaiting: Option | undefined;
  for (const word of words) {
    if (awaiting) awaiting = undefined;
    else if (word.startsWith('-')) awaiting = awaitedBy(command, word);
    else {
      const child = command.commands.find((candidate) => candidate.name() === word);
      if (child) command = child;
      else positions += 1;
    }
  }
  return { command, positions, awaiting };
}

function awaitedBy(command: Command, word: string): Option | undefined {
  const option = optionOf(command, word);
  return option?.required ? option : undefined;
}

function optionOf(command: Command, flag: string): Option | undefined {
  return optionsOf(command).find(({ long, short }) => long === flag || short === flag);
}

/** Those of the command, and the global ones. */
function optionsOf(command: Command): readonly Option[] {
  const above = command.parent ? optionsOf(command.parent) : [];
  return [...command.options, ...above].filter(({ hidden }) => !hidden);
}

function optionCandidate({ long, short, description }: Option): Candidate {
  return { value: long ?? short ?? '', description };
}

function visibleCommands(command: Command): readonly Candidate[] {
  return command
    .createHelp()
    .visibleCommands(command)
    .map((child) => ({ value: child.name(), description: child.description() }));
}

function valuesOf(option: Option, names: Names): Promise<readonly Candidate[] | 'files' | 'folders'> {
  const named = /<([^>]+)>/.exec(option.flags)?.[1] ?? '';
  if (option.long === '--source') return listed(names.sources());
  return valuesNamed(option.long === '--destination' && named === 'name' ? 'destination' : named, names);
}

async function valuesNamed(name: string, names: Names): Promise<Completion> {
  if (FOLDERS.has(name)) return 'folders';
  if (FILES.has(name)) return 'files';
  if (name === 'destination') return [...(await listed(names.destinations())), bare('repository')];
  if (name === 'reference') return listed(names.references());
  if (name === 'backup') return [bare('latest'), ...(await listed(names.references()))];
  return name === 'plan' ? [...PLANS.map(bare), ...(await listed(names.plans()))] : [];
}

async function listed(values: Promise<readonly string[]>): Promise<readonly Candidate[]> {
  return (await values).map(bare);
}

function bare(value: string): Candidate {
  return { value, description: '' };
}

function matching(candidates: Completion, current: string): Completion {
  return typeof candidates === 'string' ? candidates : candidates.filter(({ value }) => value.startsWith(current));
}
