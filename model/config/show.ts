/** The effective config, as it would be written in full. */
import { z } from 'zod';
import { backupPlans } from '../plans.ts';
import { defaultGroup } from '../source.ts';
import { coordinatorOf, hostNames, hostOf } from './hosts.ts';
import { namedSources } from './own-source.ts';
import { siteConfig, type SiteConfig, type SiteInput } from './site.ts';

/**
 * A config with every default filled in, durations and sizes with units again. Secrets are shown as the
 * references that they are; a command's arguments and the path of a webhook or ping may hold one, and are masked.
 */
export function effectiveConfig(config: SiteConfig): SiteInput {
  const hosts = Object.fromEntries(hostNames(config).map((host) => [host, config.hosts?.[host] ?? {}]));
  const sources = Object.fromEntries(
    Object.entries(namedSources(config.sources)).map(([name, source]) => [
      name,
      { ...source, group: source.group ?? defaultGroup(source.type), host: hostOf(config, name) },
    ]),
  );
  const whole = { ...config, hosts, coordinator: coordinatorOf(config), sources, plans: effectivePlans(config) };
  return maskCommands(z.encode(siteConfig, whole));
}

/** Times of phases that follow the plan's, and waits that are those of the daily, as they count. */
function effectivePlans(config: SiteConfig): SiteConfig['plans'] {
  const plans = new Map(backupPlans(config).map((plan) => [plan.name, plan]));

  function whole<Plan extends object>(name: string, plan: Plan): Plan {
    const { phases = {}, waits = {} } = plans.get(name) ?? {};
    return { ...plan, phases, ...waits };
  }

  const { daily, weekly, monthly, custom } = config.plans;
  return {
    ...config.plans,
    daily: whole('daily', daily),
    weekly: whole('weekly', weekly),
    monthly: whole('monthly', monthly),
    custom: Object.fromEntries(Object.entries(custom).map(([name, plan]) => [name, whole(name, plan)])),
  };
}

function maskCommands<Value>(value: Value): Value {
  // Replaces only texts by texts: the shape stays what it was.
  return mask(value) as Value;
}

function mask(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(mask);
  // As it is written in a file, where a dollar sign may begin a variable.
  if (typeof value === 'string') return value.replaceAll('$', '$$$$');
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, maskField(key, inner)]));
}

function maskField(key: string, value: unknown): unknown {
  if (key === 'command') return maskArguments(value);
  return (key === 'url' || key === 'ping') && typeof value === 'string' ? maskAddress(value) : mask(value);
}

/** The path of a webhook is its password more often than not. */
function maskAddress(url: string): string {
  return url.replace(/^(https?:\/\/)(?:[^/?#]*@)?([^/?#]*).*$/s, '$1$2/***');
}

function maskArguments(command: unknown): unknown {
  if (!Array.isArray(command)) return mask(command);
  return command.map((part: unknown, index) => (index === 0 ? part : '***'));
}
