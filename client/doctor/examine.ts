/** The frame of doctor's examinations: each looks at one thing, and nothing that it meets stops the others. */
import { BackupError } from '../../model/errors.ts';
import type { Finding } from '../../model/finding.ts';

export interface Examined {
  /** What was looked at: `programs`, `source postgres`. */
  readonly subject: string;
  /** What is good there, in short. */
  readonly facts: string;
  readonly findings: readonly Finding[];
}

export interface Seen {
  readonly facts?: string;
  readonly findings?: readonly Finding[];
}

/** Looks; whatever fails in an expected way becomes a finding. */
export async function examine(subject: string, look: () => Promise<Seen>): Promise<Examined> {
  try {
    const { facts = '', findings = [] } = await look();
    return { subject, facts, findings };
  } catch (error) {
    if (!(error instanceof BackupError)) throw error;
    return {
      subject,
      facts: '',
      findings: [problem(`doctor.${error.code}`, error.message, error.remedy ?? null, subject)],
    };
  }
}

export function problem(code: string, message: string, remedy: string | null, subject: string): Finding {
  return { code, severity: 'error', message, remedy, subject };
}

export function warning(code: string, message: string, remedy: string | null, subject: string): Finding {
  return { code, severity: 'warning', message, remedy, subject };
}
