/** What is asked of a server once in a connection. */
import type { Link } from './link.ts';

/** The answer of before, or a new one. A question that failed is asked again. */
export function askedOnce(
  { known }: Link,
  question: 'shell' | 'remove',
  ask: () => Promise<boolean>,
): Promise<boolean> {
  const before = known.get(question);
  if (before) return before;
  const answer = ask();
  known.set(question, answer);
  answer.catch(() => known.delete(question));
  return answer;
}
