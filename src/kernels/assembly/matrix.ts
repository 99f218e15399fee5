// Products of dense matrices in f64. Pointers and strides are bytes; no bounds are checked here.

/**
 * Rows [from, to) of C = A B for A with elements `aRow` and `aColumn` apart (so that it may be a transpose), B of `inner`
 * rows and C of `columns` columns, all rows of B and C contiguous. Rows go four at a time, as do columns: there must be room
 * for multiples of four. Four columns of B stay in the cache while all rows of A pass.
 */
export function multiply(
  from: u32,
  to: u32,
  columns: u32,
  inner: u32,
  a: usize,
  aRow: usize,
  aColumn: usize,
  b: usize,
  bRow: usize,
  c: usize,
  cRow: usize,
): void {
  const bytes = <usize>columns << 3;
  for (let j: usize = 0; j < bytes; j += 32) {
    for (let i = <usize>from; i < to; i += 4) {
      const first = a + i * aRow;
      const out = c + i * cRow;
      let p0 = f64x2.splat(0);
      let q0 = f64x2.splat(0);
      let p1 = f64x2.splat(0);
      let q1 = f64x2.splat(0);
      let p2 = f64x2.splat(0);
      let q2 = f64x2.splat(0);
      let p3 = f64x2.splat(0);
      let q3 = f64x2.splat(0);
      let x = first;
      let y = b + j;
      for (let k: u32 = 0; k < inner; k++, x += aColumn, y += bRow) {
        const p = v128.load(y);
        const q = v128.load(y, 16);
        const x0 = v128.load64_splat(x);
        p0 = f64x2.add(p0, f64x2.mul(p, x0));
        q0 = f64x2.add(q0, f64x2.mul(q, x0));
        const x1 = v128.load64_splat(x + aRow);
        p1 = f64x2.add(p1, f64x2.mul(p, x1));
        q1 = f64x2.add(q1, f64x2.mul(q, x1));
        const x2 = v128.load64_splat(x + 2 * aRow);
        p2 = f64x2.add(p2, f64x2.mul(p, x2));
        q2 = f64x2.add(q2, f64x2.mul(q, x2));
        const x3 = v128.load64_splat(x + 3 * aRow);
        p3 = f64x2.add(p3, f64x2.mul(p, x3));
        q3 = f64x2.add(q3, f64x2.mul(q, x3));
      }
      const o1 = out + j + cRow;
      const o2 = o1 + cRow;
      const o3 = o2 + cRow;
      v128.store(out + j, p0);
      v128.store(out + j, q0, 16);
      v128.store(o1, p1);
      v128.store(o1, q1, 16);
      v128.store(o2, p2);
      v128.store(o2, q2, 16);
      v128.store(o3, p3);
      v128.store(o3, q3, 16);
    }
  }
}
