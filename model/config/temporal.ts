/** How a Temporal that runs elsewhere is trusted, and trusts us. */
import { z } from 'zod';
import { absolutePath } from './fields.ts';
import type { ConfigProblem } from './problem.ts';
import { secret } from './secret.ts';

export const temporalTls = z
  .strictObject({
    ca: absolutePath
      .optional()
      .describe(
        "file with the certificates (PEM) that may have signed the server's; absent: those of public authorities",
      ),
    cert: absolutePath.optional().describe('file with our own certificate (PEM), where the server asks for one'),
    key: secret.optional().describe('its private key (PEM)'),
    serverName: z
      .string()
      .min(1)
      .optional()
      .describe("the name in the server's certificate, where it is not that of the address"),
  })
  .refine(
    ({ cert, key }) => (cert === undefined) === (key === undefined),
    'a certificate is of no use without its key\nSet both cert and key, or neither.',
  )
  .describe('TLS to Temporal; {} where its certificate is signed by a public authority, and it asks for none');

/** What is for one server is sent to no other: to the embedded one, or to one that a variable happens to name. */
export function checkTemporal({
  temporal,
}: {
  readonly temporal: { readonly address?: string | undefined; readonly tls?: unknown; readonly apiKey?: unknown };
}): readonly ConfigProblem[] {
  if (temporal.address !== undefined) return [];
  return (['tls', 'apiKey'] as const)
    .filter((key) => temporal[key] !== undefined)
    .map((key) => ({
      path: ['temporal', key],
      at: 'value',
      message: 'is for a Temporal at an address, and there is none',
      remedy: 'Set temporal.address beside it; in a profile of Temporal itself both stand there.',
    }));
}
