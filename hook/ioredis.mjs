import { activeSpan, liveContextOf } from './context.mjs';
import { onPackage } from './modules.mjs';
import { wrapMethod } from './wrap.mjs';

const PACKAGE = { name: 'ioredis', main: 'built/index.js', majors: [5, 6] };
/** What the client itself sends for its connection, in whatever context that was opened. */
const OWN = new Set(
  'asking auth client cluster hello info monitor psubscribe quit readonly select ssubscribe subscribe'.split(
    ' ',
  ),
);

/** Commands of `ioredis`: each is written within a call of `sendCommand()`, or a pipeline's all at once within one of `exec()`. */
export function hookIoredis(announcer, clientSpans) {
  onPackage(PACKAGE, ({ Redis, Cluster, Pipeline }) => {
    clientSpans.watch();
    const commands = new Commands(announcer, clientSpans);
    wrapMethod(Redis?.prototype, 'connect', (redis) => commands.open(redis));
    wrapMethod(Redis?.prototype, 'sendCommand', (redis, [command, stream]) =>
      commands.send(redis, command, stream),
    );
    wrapMethod(Cluster?.prototype, 'sendCommand', (cluster, [command]) => commands.ask(cluster, command));
    wrapMethod(Pipeline?.prototype, 'sendCommand', (pipeline, [command]) => commands.add(pipeline, command));
    wrapMethod(Pipeline?.prototype, 'exec', (pipeline) => commands.exec(pipeline));
  });
}

/** Who asked for which command, from the call on: it may be written later, again, and in the context of anybody. */
class Commands {
  #announcer;
  #clientSpans;
  /** The span that was active when a client was told to connect: what its socket calls back is in that one. */
  #openers = new WeakMap();
  /** By command: the span that was active when it was asked for, and the one that is announced. */
  #asked = new WeakMap();
  /** By pipeline: the one span of all its commands, undefined where there are several. */
  #shared = new WeakMap();

  constructor(announcer, clientSpans) {
    this.#announcer = announcer;
    this.#clientSpans = clientSpans;
  }

  open(redis) {
    this.#openers.set(redis, activeSpan());
  }

  ask(client, command) {
    const known = this.#asked.get(command);
    if (known !== undefined) return known;
    const active = activeSpan();
    const isDoubtful = active === this.#openers.get(client) || OWN.has(command.name);
    const asked = { active, span: isDoubtful ? undefined : active, isSent: false };
    this.#asked.set(command, asked);
    return asked;
  }

  send(redis, command, stream) {
    const asked = this.ask(redis, command);
    const started = this.#clientSpans.take('redis', (name) => name === command.name, asked.active);
    if (!asked.isSent) asked.span = started ?? asked.span;
    asked.isSent = true;
    // A pipeline's are written with its last one.
    return stream === undefined ? this.#say(redis, command, asked.span) : undefined;
  }

  add(pipeline, command) {
    const { span } = this.ask(pipeline.redis, command);
    const isShared = !this.#shared.has(pipeline) || this.#shared.get(pipeline) === span;
    this.#shared.set(pipeline, isShared ? span : undefined);
  }

  exec(pipeline) {
    return this.#say(pipeline.redis, pipeline, this.#shared.get(pipeline));
  }

  /**
   * Until the client is ready it keeps commands, and comes back with each; what it writes by then is for its connection. A cluster has no
   * socket of its own.
   */
  #say({ status, stream }, owner, span) {
    return status === 'ready' ? this.#announcer.write(stream, owner, liveContextOf(span)) : undefined;
  }
}
