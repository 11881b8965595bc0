/** Text as a value or a key of YAML. */

/** Plain where YAML lets it be, else in double quotes. */
export function quote(text: string): string {
  if (/^[A-Za-z/][A-Za-z0-9/._-]*$/.test(text) && !/^(?:true|false|null|yes|no|on|off)$/i.test(text)) return text;
  // A dollar sign would begin a variable.
  return JSON.stringify(text.replaceAll('$', '$$$$'));
}
