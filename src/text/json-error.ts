const SPACE = /[ \t\n\r]*/y;
const SCALAR = /true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const STRING_PART = /(?:[^"\\\u0000-\u001F]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})){0,1000}/y;

/**
 * Where `text` stops being JSON: the offset of the first character that no JSON value could have there, or the length
 * of the text if it merely ends too early or is valid. `JSON.parse` names a position only in some of its messages. Keeps its
 * own stack, so nesting is bounded by memory alone.
 */
export function jsonErrorOffset(text: string): number {
  const open: ('{' | '[')[] = [];
  let at = 0;
  const skip = (pattern: RegExp): boolean => {
    pattern.lastIndex = at;
    if (!pattern.test(text)) return false;
    at = pattern.lastIndex;
    return true;
  };
  /** Passes a string that begins here; false if it goes wrong, with `at` where it does. */
  const string = (): boolean => {
    if (text[at] !== '"') return false;
    at++;
    // In parts, since the repeats of a pattern take stack.
    for (let before = -1; before !== at; ) {
      before = at;
      skip(STRING_PART);
    }
    if (text[at] !== '"') return false;
    at++;
    return true;
  };
  const key = (): boolean => {
    skip(SPACE);
    if (!string()) return false;
    skip(SPACE);
    if (text[at] !== ':') return false;
    at++;
    return true;
  };

  for (;;) {
    // A value.
    skip(SPACE);
    const first = text[at];
    if (first === '{' || first === '[') {
      at++;
      skip(SPACE);
      if (text[at] !== (first === '{' ? '}' : ']')) {
        open.push(first);
        if (first === '{' && !key()) return at;
        continue;
      }
      at++;
    } else if (first === '"') {
      if (!string()) return at;
    } else if (!skip(SCALAR)) return at;
    // What may follow it.
    for (;;) {
      skip(SPACE);
      const inside = open.at(-1);
      if (inside === undefined) return at;
      const next = text[at];
      if (next === ',') {
        at++;
        if (inside === '{' && !key()) return at;
        break;
      }
      if (next !== (inside === '{' ? '}' : ']')) return at;
      at++;
      open.pop();
    }
  }
}
