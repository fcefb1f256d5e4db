/** Numbers as the kernel has them, for variables, keys and values of maps. */
export function u32(value: number): Uint8Array {
  return new Uint8Array(new Uint32Array([value]).buffer);
}

export function u64(value: bigint): Uint8Array {
  return new Uint8Array(new BigUint64Array([value]).buffer);
}

export function u8(value: number): Uint8Array {
  return Uint8Array.of(value);
}
