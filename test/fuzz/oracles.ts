import assert from 'node:assert/strict';
import type { SendResult } from '../../receiver/export/send-result.ts';
import type { NetworkEvent, NetworkSpan } from '../../receiver/model/event.ts';

/** What declared attributes may have, in bytes of UTF-8, and what a text from outside, in characters. */
const MAX_KEY_BYTES = 128;
const MAX_VALUE_BYTES = 1_024;
const MAX_DECLARED_BYTES = 3_000;
const MAX_OUTSIDE_CHARS = 240;
/** What the agent observes itself. */
const OBSERVED = /^(host|os|container|process|telemetry|wirespan)\.|^k8s\.pod\.uid$/;

/** What must hold of each input, beyond that nothing is thrown. `oracles.test.ts` shows that each can fail. */

/** Stands where a secret belongs; it may be shown nowhere. */
export const SECRET = 'hunter2hunter2';

/** The longest of a record's own texts, an IPv6 address, a stack of function names. */
const MAX_TEXT = 2_048;
const MAX_RESOURCE_BYTES = 4_096;
/** Longest wait that a timer takes, milliseconds. */
const MAX_WAIT_MS = 2 ** 31 - 1;
const MAX_MESSAGE_LINES = 6;
const MAX_MESSAGE_LINE = 700;
/** What `outsideText` adds to a text that it cuts: how long it was. */
const CUT_CHARS = 40;

/** An event or a span: it has an owner, bounded texts and real numbers; it ends after it begins. */
export function checkLeft(left: NetworkEvent | NetworkSpan): void {
  assert.notEqual(left.resource.id, '');
  for (const [name, value] of Object.entries(left.attributes)) {
    if (typeof value === 'string') assert.ok(value.length <= MAX_TEXT, `${name} has ${String(value.length)}`);
    if (typeof value === 'number') assert.ok(Number.isFinite(value), `${name} is ${String(value)}`);
  }
  if ('startUnixNs' in left)
    assert.ok(left.endUnixNs > left.startUnixNs, `${left.name} ends before it begins`);
}

/** Partly taken, and when it may come again, are numbers that can be counted and waited with. */
export function checkResult(result: SendResult, items: number): void {
  if (result.status === 'taken')
    assert.ok(
      Number.isSafeInteger(result.rejected) && result.rejected >= 0 && result.rejected <= items,
      String(result.rejected),
    );
  if (result.status === 'retry')
    assert.ok(result.afterMs >= 0 && result.afterMs <= MAX_WAIT_MS, String(result.afterMs));
}

/** A text of others that is shown: one line, short, nothing in it that moves a cursor, and not our key. */
export function checkShown(text: string): void {
  assert.ok(text.length <= MAX_OUTSIDE_CHARS + CUT_CHARS, `${String(text.length)} characters`);
  assert.doesNotMatch(text, /[\p{C}\p{Zl}\p{Zp}]/u);
  assert.ok(!text.includes(SECRET), text);
}

/** What a process declares: bounded in bytes, and nothing that is observed. */
export function checkDeclared(attributes: ReadonlyMap<string, string>): void {
  let sum = 0;
  for (const [key, value] of attributes) {
    assert.ok(key !== '' && !OBSERVED.test(key), key);
    const [keyBytes, valueBytes] = [Buffer.byteLength(key), Buffer.byteLength(value)];
    assert.ok(keyBytes <= MAX_KEY_BYTES && valueBytes <= MAX_VALUE_BYTES, key);
    sum += keyBytes + valueBytes;
  }
  assert.ok(sum <= MAX_DECLARED_BYTES, `${String(sum)} bytes`);
}

/** A resource: bounded in bytes, on the host that it is observed on. */
export function checkResource(attributes: Readonly<Record<string, unknown>>, hostName: string): void {
  assert.equal(attributes['host.name'], hostName);
  const bytes = Buffer.byteLength(Object.entries(attributes).join());
  assert.ok(bytes <= MAX_RESOURCE_BYTES, `${String(bytes)} bytes`);
}

/** A container and a pod are those that the text names. */
export function checkContainer(found: { containerId?: string; podUid?: string }, text: string): void {
  const { containerId, podUid } = found;
  if (containerId !== undefined) {
    assert.match(containerId, /^[0-9a-f]{64}$/);
    assert.ok(text.includes(containerId), containerId);
  }
  if (podUid === undefined) return;
  assert.match(podUid, /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
  assert.ok(text.replaceAll('_', '-').includes(podUid), podUid);
}

/** A path of the kernel's names of a cgroup, of so many bytes. */
export function checkCgroupPath(path: string, maxBytes: number): void {
  assert.ok(path.startsWith('/') && !path.includes('\0'), path);
  assert.ok(path.length <= maxBytes, `${String(path.length)} characters`);
}

/** What a refusal of settings says: a few short lines, without the secret where one belongs. */
export function checkMessage(message: string, isSecretInPlace: boolean): void {
  const lines = message.split('\n');
  assert.ok(lines.length <= MAX_MESSAGE_LINES, `${String(lines.length)} lines`);
  for (const line of lines) assert.ok(line.length <= MAX_MESSAGE_LINE, line);
  assert.doesNotMatch(message, /[\0-\x09\x0b-\x1f\x7f-\x9f]/);
  if (isSecretInPlace) assert.ok(!message.includes(SECRET), message);
}

/** What is shown of settings that were taken, and again of that: the same but for where each is from. */
export function checkDump(dump: string, again: string | undefined, isSecretInPlace: boolean): void {
  const uncommented = (text: string): string => text.replaceAll(/ +# .*$/gm, '');
  assert.equal(again === undefined ? undefined : uncommented(again), uncommented(dump));
  if (isSecretInPlace) assert.ok(!dump.includes(SECRET), dump);
}
