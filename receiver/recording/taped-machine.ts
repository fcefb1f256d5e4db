import type { ContainerIdentity } from '../host/cgroup-path.ts';
import type { CgroupIndex, CgroupIndexOptions } from '../host/cgroup-index.ts';
import type { HostFacts } from '../host/host-facts.ts';
import type { ListenCounters } from '../host/listen-counters.ts';
import type { Machine } from '../host/machine.ts';
import type { OtelEnvironment } from '../host/otel-environment.ts';
import type { ProcessFacts, ProcessReader } from '../host/process-reader.ts';
import type { ClockSample } from '../model/clock.ts';
import { processId } from '../model/ids.ts';
import type { Owner } from '../model/resource.ts';
import { hexOf } from './recorder.ts';
import type { Tape } from './tape.ts';

/** A machine behind a tape: `live` is absent where what was recorded answers. */
export class TapedMachine implements Machine {
  readonly #tape: Tape;
  readonly #live: Machine | undefined;

  constructor(tape: Tape, live?: Machine) {
    this.#tape = tape;
    this.#live = live;
  }

  sampleClocks(): ClockSample {
    return this.#tape.clocks(
      () => this.#live?.sampleClocks() ?? { monotonicNs: 0n, realtimeNs: 0n, boottimeNs: 0n },
    );
  }

  /** One moment a step: it is the same when that is done again. */
  steadyNs(): bigint {
    return this.#tape.nowNs;
  }

  bootId(): string {
    return this.#tape.ask<string>('boot', () => this.#live?.bootId()) ?? '';
  }

  facts(version: string): HostFacts {
    return (
      this.#tape.ask<HostFacts>('host', () => this.#live?.facts(version)) ?? {
        hostName: '',
        hostArch: '',
        agentInstanceId: '',
        bootId: '',
        version,
      }
    );
  }

  listenCounters(pid: number, netns: number): ListenCounters | undefined {
    return this.#tape.ask<ListenCounters>(`listen ${String(pid)} ${String(netns)}`, () =>
      this.#live?.listenCounters(pid, netns),
    );
  }

  isLocal(end: Parameters<Machine['isLocal']>[0], pid: number): boolean {
    const { netns, family, address } = end;
    const shown = hexOf(this.#tape.shownAddress(address, family));
    const question = `local ${String(netns)} ${String(family)} ${shown} ${String(pid)}`;
    return this.#tape.ask<boolean>(question, () => this.#live?.isLocal(end, pid)) ?? false;
  }

  forgetAddresses(): void {
    this.#live?.forgetAddresses();
  }

  isAlive({ pid, startNs }: Pick<Owner, 'pid' | 'startNs'>): boolean {
    const question = `alive ${String(pid)} ${String(startNs)}`;
    const isAlive = (): boolean | undefined => this.#live?.isAlive({ pid, startNs });
    return this.#tape.ask<boolean>(question, isAlive) ?? false;
  }

  processes(startedWith: (owner: Owner) => OtelEnvironment | undefined): ProcessReader {
    const live = this.#live?.processes(startedWith);
    return {
      counters: live?.counters ?? { environUnreadable: 0, environTruncated: 0 },
      isAlive: (pid, startNs) => this.isAlive({ pid, startNs }),
      read: (owner) => this.#tape.ask<ProcessFacts>(`process ${processId(owner)}`, () => live?.read(owner)),
    };
  }

  cgroups(options: CgroupIndexOptions): CgroupIndex {
    const live = this.#live?.cgroups(options);
    return {
      counters: live?.counters ?? { walks: 0, walksTruncated: 0 },
      learn: (cgroupId, container) => live?.learn(cgroupId, container),
      find: (cgroupId) =>
        this.#tape.ask<ContainerIdentity>(`cgroup ${String(cgroupId)}`, () => live?.find(cgroupId)),
    };
  }
}
