import { expect, it } from 'vitest';
import { kernelMemory } from '../../src/kernels/memory.js';

it('a memory that was released is the next, laid out afresh with zeros', () => {
  const memory = kernelMemory(1);
  memory.f32(memory.layOut({ a: 100 }).a, 100).fill(7);
  const other = kernelMemory(1);
  expect(other).not.toBe(memory);
  memory.release();
  const next = kernelMemory(1);
  expect(next).toBe(memory);
  expect([...next.f32(next.layOut({ a: 50, b: 100 }).b, 100)]).toEqual(Array(100).fill(0));
});
