/** Masked addresses: the same everywhere, networks kept apart, and none left out. */
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { readAddress } from '../../../receiver/decode/bytes.ts';
import {
  CONNECTION_RECORD,
  ENDPOINTS,
  HTTP2_RECORD,
  LISTENER,
  LISTENER_KEY,
  RECORD_HEADER,
  RECORD_KIND,
  SERIES_KEY,
} from '../../../receiver/decode/generated/layout.ts';
import { KEY_PLACES, RECORD_PLACES, VALUE_PLACES } from '../../../receiver/recording/address-places.ts';
import { AddressMask } from '../../../receiver/recording/mask.ts';
import { dnsRecord } from '../../fixtures/records/write-dns.ts';

const mask = new AddressMask(Buffer.alloc(32, 5));

function masked(...bytes: readonly number[]): Buffer {
  const isIpv4 = bytes.length === 4;
  return mask.address(
    Uint8Array.from([...bytes, ...Array<number>(16 - bytes.length).fill(0)]),
    isIpv4 ? 4 : 6,
  );
}

/** Leading bits that two have in common. */
function common(one: Buffer, other: Buffer, length: number): number {
  for (let bit = 0; bit < length * 8; bit += 1) {
    const place = 7 - (bit & 7);
    if (((one[bit >> 3] ?? 0) >> place) % 2 !== ((other[bit >> 3] ?? 0) >> place) % 2) return bit;
  }
  return length * 8;
}

const project = join(import.meta.dirname, '..', '..', '..');

describe('a masked address', () => {
  it('is another one, always the same, with another key yet another', () => {
    assert.notDeepEqual(masked(10, 1, 2, 3).subarray(0, 4), Buffer.from([10, 1, 2, 3]));
    assert.deepEqual(masked(10, 1, 2, 3), masked(10, 1, 2, 3));
    const other = new AddressMask(Buffer.alloc(32, 6));
    assert.notDeepEqual(
      other.address(Uint8Array.from([10, 1, 2, 3, ...Array<number>(12).fill(0)]), 4),
      masked(10, 1, 2, 3),
    );
    assert.notDeepEqual(
      new AddressMask().address(Uint8Array.from([10, 1, 2, 3, ...Array<number>(12).fill(0)]), 4),
      new AddressMask().address(Uint8Array.from([10, 1, 2, 3, ...Array<number>(12).fill(0)]), 4),
    );
  });

  it('has as many first bits in common with another as they had', () => {
    const plain: number[][] = [];
    for (let i = 0; i < 61; i += 1) plain.push([10, i % 3, (i * 37) % 256, (i * 101) % 256]);
    for (const one of plain)
      for (const other of plain)
        assert.equal(
          common(masked(...one), masked(...other), 4),
          common(Buffer.from(one), Buffer.from(other), 4),
          `${one.join('.')} ${other.join('.')}`,
        );
    const six = Array.from({ length: 23 }, (_, i) => [
      0x20,
      1,
      0xd,
      0xb8,
      ...Array<number>(11).fill(i % 4),
      i,
    ]);
    for (const one of six)
      for (const other of six)
        assert.equal(
          common(masked(...one), masked(...other), 16),
          common(Buffer.from(one), Buffer.from(other), 16),
        );
  });

  it('is itself where every host has it', () => {
    const kept = [
      [127, 0, 0, 1],
      [127, 9, 9, 9],
      [0, 0, 0, 0],
      Array<number>(16).fill(0),
      [...Array<number>(15).fill(0), 1],
    ];
    for (const bytes of kept) assert.deepEqual([...masked(...bytes)].slice(0, bytes.length), bytes);
  });

  it('has nothing behind the four bytes of IPv4', () => {
    assert.deepEqual(masked(192, 0, 2, 1).subarray(4), Buffer.alloc(12));
  });
});

describe('masking', () => {
  it('leaves no address of a batch, and of HTTP/2 and name servers nothing', () => {
    const secret = Buffer.from([198, 51, 100, 7]);
    const record = Buffer.alloc(CONNECTION_RECORD.size);
    record.writeUInt32LE(RECORD_KIND.RECORD_CONNECTION, RECORD_HEADER.kind);
    record.writeUInt32LE(record.length, RECORD_HEADER.bytes);
    const ends = CONNECTION_RECORD.endpoints;
    secret.copy(record, ends + ENDPOINTS.local);
    secret.copy(record, ends + ENDPOINTS.peer);
    record[ends + ENDPOINTS.family] = 4;
    const piece = Buffer.alloc(HTTP2_RECORD.bytes + 4);
    piece.writeUInt32LE(RECORD_KIND.RECORD_HTTP2, RECORD_HEADER.kind);
    piece.writeUInt32LE(piece.length, RECORD_HEADER.bytes);
    secret.copy(piece, HTTP2_RECORD.bytes);
    const padded = Buffer.concat([piece, Buffer.alloc((8 - (piece.length % 8)) % 8)]);
    const answer = dnsRecord({ message: secret });
    const shown = Buffer.from(mask.records(Buffer.concat([record, padded, answer, record])));
    assert.equal(shown.length, 2 * record.length);
    assert.equal(shown.includes(secret), false);
    assert.ok(record.includes(secret));
    const view = new DataView(shown.buffer, shown.byteOffset);
    assert.equal(
      readAddress(view, ends + ENDPOINTS.peer, 4),
      readAddress(view, record.length + ends + ENDPOINTS.local, 4),
    );
  });

  it('leaves none of a map, and keeps its other bytes', () => {
    const secret = Buffer.from([198, 51, 100, 7]);
    const key = Buffer.alloc(SERIES_KEY.size, 0);
    secret.copy(key, SERIES_KEY.peer);
    key[SERIES_KEY.family] = 4;
    key.writeUInt16LE(443, SERIES_KEY.server_port);
    const shown = Buffer.from(mask.key('series', key));
    assert.equal(shown.includes(secret), false);
    assert.equal(shown.readUInt16LE(SERIES_KEY.server_port), 443);
    const listener = { key: Buffer.alloc(LISTENER_KEY.size), value: Buffer.alloc(LISTENER.size) };
    secret.copy(listener.key, LISTENER_KEY.local);
    listener.key[LISTENER_KEY.family] = 4;
    secret.copy(listener.value, LISTENER.local);
    const image = mask.image('listeners', {
      count: 1,
      keys: listener.key,
      values: listener.value,
      keySize: LISTENER_KEY.size,
      stride: LISTENER.size,
    });
    for (const bytes of [image.keys, image.values]) assert.equal(Buffer.from(bytes).includes(secret), false);
    assert.deepEqual(
      [...image.keys.subarray(LISTENER_KEY.local, LISTENER_KEY.local + 4)],
      [...image.values.subarray(LISTENER.local, LISTENER.local + 4)],
    );
  });

  it('knows every address that the contract has', () => {
    const text = globSync('bpf/contract/*.h', { cwd: project })
      .map((path) => readFileSync(join(project, path), 'utf8'))
      .join('\n');
    const found = [...text.matchAll(/^struct (\w+) \{([^}]*)\}/gm)].flatMap(([, name = '', body = '']) =>
      [...body.matchAll(/__u8\s+(\w+)\[16\]/g)].map(([, field = '']) => `${name}.${field}`),
    );
    // What is told to the kernel, ids of traces, and the name of an interface.
    const others = /^(subnet_key|filter_rule)\.|trace_id$|interface$/;
    assert.deepEqual(found.filter((each) => !others.test(each)).sort(), [
      'drop_record.destination',
      'drop_record.source',
      'endpoints.local',
      'endpoints.peer',
      'listen_end_key.local',
      'listener.local',
      'listener_key.local',
      'packet_record.destination',
      'packet_record.source',
      'reset_key.peer',
      'reset_key.server',
      'sample_key.local',
      'sample_key.remote',
      'series_key.peer',
      'series_key.server',
      'unowned_key.destination',
      'unowned_key.source',
    ]);
    const withEndpoints = [...text.matchAll(/^struct (\w+)_record \{[^}]*struct endpoints endpoints;/gm)].map(
      ([, name = '']) => RECORD_KIND[`RECORD_${name.toUpperCase()}` as keyof typeof RECORD_KIND],
    );
    const ofPackets = [RECORD_KIND.RECORD_DROP, RECORD_KIND.RECORD_PACKET];
    const kinds = [...withEndpoints, ...ofPackets].sort((one, other) => one - other);
    assert.deepEqual(Object.keys(RECORD_PLACES).map(Number), kinds);
    const keyed = [...mapsOf('(?:series|sample|reset|listener|unowned|listen_end)_key', 'key')].sort();
    assert.deepEqual(Object.keys(KEY_PLACES).sort(), keyed);
    assert.deepEqual(Object.keys(VALUE_PLACES), [...mapsOf('listener', 'value')]);
  });
});

/** Maps of the programs with such a struct in their keys or values. */
function mapsOf(struct: string, part: 'key' | 'value'): Set<string> {
  const text = globSync('bpf/**/*.{h,c}', { cwd: project })
    .map((path) => readFileSync(join(project, path), 'utf8'))
    .join('\n');
  const maps = text.matchAll(/struct \{([^}]*)\} (\w+) SEC\("\.maps"\)/g);
  const has = new RegExp(`__type\\(${part}, struct ${struct}\\)`);
  return new Set([...maps].flatMap(([, body = '', name = '']) => (has.test(body) ? [name] : [])));
}
