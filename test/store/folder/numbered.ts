/** The bytes of object `n`: some large, so that a kill finds them half written. */
export function numbered(n: number): Uint8Array {
  const bytes = new Uint8Array(n % 7 === 0 ? 1_000_000 : 2_000).fill(n);
  new DataView(bytes.buffer).setUint32(0, n);
  return bytes;
}

/** The number of an object, from its bytes. */
export function numberOf(bytes: Uint8Array): number {
  return new DataView(bytes.buffer, bytes.byteOffset).getUint32(0);
}

/** The key of object `n`: new folders keep coming. */
export function keyOf(n: number): string {
  return `t/d${Math.floor(n / 10)}/${n}`;
}
