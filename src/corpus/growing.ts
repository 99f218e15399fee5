/** A list of 32-bit numbers that doubles as it fills. */
export type Growing = {
  push(value: number): void;
  length(): number;
  /** The numbers where they lie; the list begins anew. */
  take(): Uint32Array<ArrayBuffer>;
};

export function growing(): Growing {
  let held = new Uint32Array(1024);
  let length = 0;
  return {
    push(value) {
      if (length === held.length) held = larger(held, length);
      held[length++] = value;
    },
    length: () => length,
    take() {
      const taken = held.subarray(0, length);
      [held, length] = [new Uint32Array(1024), 0];
      return taken;
    },
  };
}

/** A copy with room for so many numbers more, at least. */
export function larger(numbers: Uint32Array, more: number): Uint32Array<ArrayBuffer> {
  const copy = new Uint32Array(2 * numbers.length + more);
  copy.set(numbers);
  return copy;
}
