/**
 * What French, Italian and Catalan write joined to the next word: `l'homme`, `dell'arte`, `lorsqu'il`. All are function
 * words, so they are dropped and the word they lean on is the token. `aujourd'hui` has no such prefix and stays whole.
 */
const ELIDED: Readonly<Record<string, readonly string[]>> = {
  fra: 'c d j l m n s t qu jusqu lorsqu puisqu quoiqu quelqu presqu'.split(' '),
  ita: 'c d l m n s t v un all dall dell nell sull coll dagl degl negl sugl agl gl quell quest bell nessun ciascun'.split(
    ' ',
  ),
  cat: 'd l m n s t'.split(' '),
};

/** The elided words of these languages (ISO 639-3). */
export function elisions(languages: readonly string[]): ReadonlySet<string> {
  return new Set(languages.flatMap((language) => (Object.hasOwn(ELIDED, language) ? ELIDED[language]! : [])));
}

/** `token` without an elided word before its first apostrophe: `l'homme` → `homme`. */
export function withoutElision(token: string, elided: ReadonlySet<string>): string {
  const apostrophe = token.indexOf("'");
  return apostrophe > 0 && elided.has(token.slice(0, apostrophe).toLowerCase()) ? token.slice(apostrophe + 1) : token;
}
