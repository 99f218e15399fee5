// The instructions of the inner loops of src/kernels/assembly/lda.ts (weigh), on four rows of K4 numbers that stay in the
// first cache; AssemblyScript. Memory from BASE on: the four rows, theta, acc.

const BASE: usize = 1024;

export function roof(times: u32, K4: u32): void {
  const bytes = <usize>K4 << 2;
  const b0 = BASE;
  const b1 = b0 + bytes;
  const b2 = b1 + bytes;
  const b3 = b2 + bytes;
  const theta = b3 + bytes;
  const acc = theta + bytes;
  for (let i: u32 = 0; i < times; i++) {
    let s0 = f32x4.splat(0);
    let s1 = f32x4.splat(0);
    let s2 = f32x4.splat(0);
    let s3 = f32x4.splat(0);
    for (let k: usize = 0; k < bytes; k += 16) {
      const t = v128.load(theta + k);
      s0 = f32x4.add(s0, f32x4.mul(t, v128.load(b0 + k)));
      s1 = f32x4.add(s1, f32x4.mul(t, v128.load(b1 + k)));
      s2 = f32x4.add(s2, f32x4.mul(t, v128.load(b2 + k)));
      s3 = f32x4.add(s3, f32x4.mul(t, v128.load(b3 + k)));
    }
    const v0 = f32x4.splat(1 / (1 + f32x4.extract_lane(s0, 0)));
    const v1 = f32x4.splat(1 / (1 + f32x4.extract_lane(s1, 0)));
    const v2 = f32x4.splat(1 / (1 + f32x4.extract_lane(s2, 0)));
    const v3 = f32x4.splat(1 / (1 + f32x4.extract_lane(s3, 0)));
    for (let k: usize = 0; k < bytes; k += 16) {
      const low = f32x4.add(f32x4.mul(v0, v128.load(b0 + k)), f32x4.mul(v1, v128.load(b1 + k)));
      const high = f32x4.add(f32x4.mul(v2, v128.load(b2 + k)), f32x4.mul(v3, v128.load(b3 + k)));
      v128.store(acc + k, f32x4.add(v128.load(acc + k), f32x4.add(low, high)));
    }
  }
}
