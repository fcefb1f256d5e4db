/** Which span of an instrumentation is taken for a command's own. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { part, type ClientSpans } from './parts.ts';
import { API, FakeSpan } from './wire.ts';

const { ClientSpans } = await part('client-spans');
const CLIENT = { kind: 2, attributes: { 'db.system.name': 'redis' } };

/** A provider of tracers as the SDK has it; `asked` counts how often it was asked for one. */
class Provider {
  next: object | undefined;
  asked = 0;
  readonly #tracer = new (this.#classOf())();

  #classOf(): new () => { startSpan(...given: unknown[]): unknown } {
    const span = (): unknown => this.next;
    return class {
      startSpan(): unknown {
        return span();
      }
    };
  }
  getTracer(): unknown {
    this.asked += 1;
    return this.#tracer;
  }
  start(span: object, options: object = CLIENT): void {
    this.next = span;
    this.#tracer.startSpan('get', options);
  }
}

describe('the span of a command', () => {
  let previous: unknown;
  let spans: ClientSpans;
  let provider: Provider;
  const [a, b] = [new FakeSpan('A'), new FakeSpan('B')];
  const take = (parent: unknown = a): unknown => spans.take('redis', (name) => name === 'get', parent);
  const use = (trace: unknown): void => {
    Reflect.set(globalThis, API, { trace });
    [spans, provider] = [new ClientSpans(), new Provider()];
  };
  before(() => {
    previous = Reflect.get(globalThis, API);
  });
  after(() => Reflect.set(globalThis, API, previous));

  test('is taken from the tracer that is there, or comes later, behind whatever stands for it', () => {
    use(undefined);
    spans.watch();
    Reflect.set(globalThis, API, { trace: { getDelegate: () => provider } });
    assert.equal(take(), undefined);
    const span = new FakeSpan('C', a);
    provider.start(span);
    assert.equal(take(), span);
    assert.equal(take(), undefined, 'once');
    assert.equal(provider.asked, 1, 'a command does not cost a tracer');
  });

  test('is below the span that asked: by its parent, or by its trace where it does not record', () => {
    use(undefined);
    Reflect.set(globalThis, API, { trace: provider });
    spans.watch();
    const child = new FakeSpan('C', a);
    const older = Object.assign(new FakeSpan('C'), { parentSpanId: a.id });
    const unsampled = Object.assign(new FakeSpan('C'), { isOver: true });
    const invalid = { spanContext: () => ({ traceId: '0'.repeat(32), spanId: '0'.repeat(16) }) };
    const root = new FakeSpan('C');
    for (const [span, parent, isTaken] of [
      [child, a, true],
      [child, b, false],
      [child, undefined, false],
      [older, a, true],
      [older, b, false],
      [unsampled, a, true],
      [unsampled, undefined, false],
      [root, undefined, true],
      [invalid, undefined, false],
    ] as const) {
      provider.start(span);
      assert.equal(
        spans.take('redis', () => true, parent),
        isTaken ? span : undefined,
      );
    }
  });

  test('is a CLIENT span of that database, by today’s name of it and the one before', () => {
    use(undefined);
    Reflect.set(globalThis, API, { trace: provider });
    spans.watch();
    const span = new FakeSpan('C', a);
    for (const [options, isTaken] of [
      [CLIENT, true],
      [{ kind: 2, attributes: { 'db.system': 'redis' } }, true],
      [{ kind: 2, attributes: { 'db.system.name': 'postgresql', 'db.system': 'redis' } }, false],
      [{ kind: 2 }, false],
      [{ ...CLIENT, kind: 0 }, false],
      [null, false],
    ] as const) {
      provider.start(span, options as unknown as object);
      assert.equal(take(), isTaken ? span : undefined);
    }
  });
});
