import { setImmediate } from 'node:timers/promises';
import type { AppConfig } from '../../config/index.ts';
import { createAgentFeed, feedBounds } from './agent-feed.ts';
import { AgentEvents } from './agent-events.ts';
import { AgentOutput } from './agent-output.ts';
import { agentResource } from './agent-resource.ts';
import type { Logger } from '../cli/log.ts';
import type { Outputs } from '../cli/outputs.ts';
import { exportListeners } from './export-log.ts';
import { BoundsWatch, boundCountsOf } from './bounds.ts';
import type { BegunAgent } from './begun-agent.ts';
import { createExporters, type Exporters } from '../export/exporters.ts';
import { createMetricLoop, type MetricLoop } from '../export/metric-loop.ts';
import { warningsOf } from '../settings/warnings.ts';
import { LiveFilter } from '../settings/filter.ts';
import { Health } from './health.ts';
import { warnOfHost } from './host-warnings.ts';
import { ownTelemetry } from './own-telemetry.ts';
import { Pipeline } from './pipeline.ts';
import type { ObservedResource } from '../model/resource.ts';
import { reducePrivileges } from './privileges.ts';
import { Reloader } from './reload.ts';
import { isForeground } from '../host/terminal.ts';
import { SelfStats } from './self-stats.ts';
import { tellManager } from './service-manager.ts';
import { liveView, TICK_MS } from './live-view.ts';
import type { StopSignals } from './stop-signals.ts';
import type { KernelSource } from '../source/kernel-source.ts';
import type { Feed } from '../feed/server.ts';
import type { Tap } from '../tap/tap.ts';
import type { AgentTelemetry } from '../telemetry/agent-telemetry.ts';
import { createAgentTap, tapBounds } from './otlp-tap.ts';

/** Exit status when Ctrl-C a second time ended the drain: as of a process that SIGINT killed. */
const EXIT_CUT_SHORT = 130;

/** Under load, while a view reads, else. */
const [BUSY_DRAIN_MS, READ_DRAIN_MS, IDLE_DRAIN_MS] = [10, 50, 250];
const SWEEP_MS = 5000;

/** Runs the agent until a signal ends it, then drains; the exit status. */
export async function runAgent(begun: BegunAgent, signals: StopSignals, outputs: Outputs): Promise<number> {
  // Signals that came while the code was loaded are told in the next turn.
  await setImmediate();
  if (signals.isStopping) return 0;
  const health = await Health.open(begun.running.config);
  const agent = new Agent(begun, outputs, health);
  await agent.listen();
  agent.start();
  signals.onReload(() => agent.reload());
  const drained = agent.stop(await signals.stopped).then(() => true);
  if (await Promise.race([drained, signals.cutShort.then(() => false)])) return 0;
  agent.cutShort();
  return EXIT_CUT_SHORT;
}

class Agent {
  #config: AppConfig;
  readonly #source: KernelSource;
  readonly #pipeline: Pipeline;
  readonly #exporters: Exporters;
  readonly #stats: SelfStats;
  readonly #events: AgentEvents;
  readonly #bounds = new BoundsWatch((met) => this.#log.warn(met, 'a bound was met'));
  readonly #loop: MetricLoop | undefined;
  readonly #tap: Tap | undefined;
  readonly #health: Health | undefined;
  readonly #telemetry: AgentTelemetry | undefined;
  readonly #feed: Feed | undefined;
  readonly #output: AgentOutput;
  readonly #isOutputAsked: boolean;
  readonly #log: Logger;
  readonly #filter: LiveFilter;
  readonly #reloader: Reloader;
  readonly #timers: NodeJS.Timeout[] = [];
  #drainTimer: NodeJS.Timeout | undefined;
  #drainMs = BUSY_DRAIN_MS;

  constructor(begun: BegunAgent, outputs: Outputs, health: Health | undefined) {
    this.#health = health;
    const { running, load, started, hierarchies } = begun;
    const { config } = running;
    this.#config = config;
    this.#isOutputAsked = running.values.get('output') !== undefined;
    this.#output = new AgentOutput(config, outputs, () =>
      liveView(this.#config, { pipeline: this.#pipeline, source: this.#source, exporters: this.#exporters }),
    );
    this.#log = this.#output.log;
    this.#exporters = createExporters(config, {
      ...exportListeners(this.#log, () => this.#exporters.origins()),
      ...(health && { onAttempt: health.journal.note }),
    });
    this.#source = begun.source.finish();
    this.#pipeline = new Pipeline(this.#source, config, {
      event: (event) => void this.#exporters.addEvent(event),
      span: (span) => void this.#exporters.addSpan(span),
    });
    this.#stats = new SelfStats(this.#source, this.#pipeline, config.metrics);
    const resource = agentResource(this.#pipeline.enricher, config);
    this.#events = new AgentEvents(config, resource, (event) => this.#exporters.addEvent(event));
    this.#tap = createAgentTap(config, this.#log, this.#pipeline.join);
    this.#feed = createAgentFeed(config.views, {
      source: this.#source,
      pipeline: this.#pipeline,
      config: () => this.#config,
    });
    this.#telemetry = this.#createTelemetry(resource);
    this.#loop = this.#createLoop();
    this.#filter = new LiveFilter(config.filter, {
      hierarchies,
      apply: (filter) => this.#pipeline.setFilter(filter),
      onMissing: (cgroup) => this.#log.warn({ cgroup }, 'no such cgroup: the filter waits for it'),
    });
    const apply = (next: AppConfig): void => this.#apply(next);
    this.#reloader = new Reloader({ running, started, load, apply, log: this.#log });
  }

  /** Reads the settings again. What is counted goes on; what cannot be changed is named. */
  reload(): void {
    this.#guard(() => this.#reloader.reload());
  }

  #apply(config: AppConfig): void {
    this.#config = config;
    this.#log.level = config.logLevel;
    this.#pipeline.reconfigure(config);
    this.#events.reconfigure(config);
    this.#filter.set(config.filter);
  }

  #createTelemetry(resource: ObservedResource): AgentTelemetry | undefined {
    if (this.#exporters.metrics === undefined && this.#health === undefined) return undefined;
    const [exporters, stats, output] = [this.#exporters, this.#stats, this.#output];
    const served = { tap: this.#tap, feed: this.#feed };
    const telemetry = ownTelemetry({ config: this.#config, exporters, stats, output, ...served }, resource);
    this.#pipeline.onBatch = (seconds) => telemetry.recordLag(seconds);
    return telemetry;
  }

  #createLoop(): MetricLoop | undefined {
    const { metrics } = this.#exporters;
    const telemetry = this.#telemetry;
    if (metrics === undefined || telemetry === undefined) return undefined;
    return createMetricLoop({
      sources: [this.#pipeline.exemplars.metrics, telemetry],
      exporter: metrics,
      ...this.#config.metricExport,
      now: () => this.#pipeline.clock.toUnixNs(this.#pipeline.clock.now()),
      beforeCollect: () => this.#collect(),
      onError: (error) => this.#log.error({ err: error }, 'a collection failed; the next one goes on'),
    });
  }

  /** Before it starts: a port or a path that is taken is said at once. */
  async listen(): Promise<void> {
    await this.#tap?.listen();
    await this.#feed?.listen();
  }

  start(): void {
    const { plan } = this.#source;
    const { kept: capabilities, warnings } = reducePrivileges(this.#config);
    this.#events.started();
    for (const warning of [...warningsOf(this.#config), ...warnings]) this.#log.warn(warning);
    for (const { probe: name, why } of plan.missing) {
      this.#log.warn({ probe: name }, `not measured: ${why}`);
      this.#events.probeFailed(name);
    }
    warnOfHost(this.#log, this.#source.agentPid());
    this.#source.onPressure(() => this.#drain());
    this.#scheduleDrain();
    this.#every(TICK_MS, () => this.#pipeline.tick());
    this.#every(SWEEP_MS, () => this.#pipeline.sweepEnded());
    this.#every(SWEEP_MS, () => this.#filter.check());
    if (this.#loop !== undefined) this.#loop.start();
    else this.#every(this.#config.metricExport.intervalMs, () => this.#collectForNobody());
    this.#output.start(this.#isOutputAsked);
    this.#beginHealth();
    this.#log.info(
      {
        programs: plan.attached.map(({ program }) => program),
        accept: plan.accept,
        pass: plan.iterators.pass,
        found: this.#source.metAtStart(),
        endpoint: this.#exporters.origins().metrics,
        capabilities,
        ...(this.#tap && { tap: this.#tap.ports }),
        ...(this.#config.views && { views: this.#config.views.socket }),
      },
      'ready',
    );
    tellManager('READY=1', this.#log);
  }

  /** A first collection is made at once, so that who waits for this agent need not wait an interval. */
  #beginHealth(): void {
    const [health, telemetry] = [this.#health, this.#telemetry];
    if (health === undefined || telemetry === undefined) return;
    const [config, exporters, { plan }] = [this.#config, this.#exporters, this.#source];
    health.attached({ config, plan, exporters, lost: () => this.#stats.lost() }, telemetry, this.#log);
    this.#guard(() => this.#collect());
    void telemetry.look();
  }

  #collect(): void {
    this.#pipeline.collect();
    this.#stats.refresh();
    this.#events.losses(this.#stats.lost(), performance.now());
    const bounds = { ...tapBounds(this.#tap), ...feedBounds(this.#feed), ...this.#health?.bounds() };
    this.#bounds.look({ ...boundCountsOf(this.#pipeline), ...bounds }, performance.now());
    this.#health?.signs.collected();
  }

  /** Metrics are not exported: the kernel's rows are read all the same, so that they do not pile up. */
  #collectForNobody(): void {
    this.#collect();
    this.#pipeline.store.collect(this.#pipeline.clock.toUnixNs(this.#pipeline.clock.now()));
    void this.#telemetry?.look();
  }

  #every(intervalMs: number, work: () => void): void {
    this.#timers.push(setInterval(() => this.#guard(work), intervalMs));
  }

  #guard(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.#log.error({ err: error }, 'work on the side failed; it is tried again');
    }
  }

  /** Ten milliseconds under load; backs off while the ring stays empty. */
  #scheduleDrain(): void {
    this.#drainTimer = setTimeout(() => {
      this.#drain();
      this.#scheduleDrain();
    }, this.#drainMs);
  }

  #drain(): void {
    const idleMs = this.#feed?.isRead ? READ_DRAIN_MS : IDLE_DRAIN_MS;
    this.#drainMs = this.#pipeline.drain() > 0 ? BUSY_DRAIN_MS : Math.min(idleMs, this.#drainMs * 2);
  }

  /** No new events, then everything that is known leaves, within the deadline. */
  async stop(signal: string): Promise<void> {
    const hint = isForeground() && { hint: 'Ctrl-C again ends it without what is not sent yet' };
    this.#log.info({ signal, ...hint }, 'stopping');
    this.#health?.signs.stopping();
    tellManager('STOPPING=1', this.#log);
    clearTimeout(this.#drainTimer);
    for (const timer of this.#timers) clearInterval(timer);
    this.#output.live?.stop();
    this.#source.detach();
    this.#pipeline.stop();
    const fed = this.#feed?.close();
    this.#events.stopping();
    const { shutdownDeadlineMs } = this.#config;
    const tapEnded = this.#tap?.shutdown(performance.now() + (shutdownDeadlineMs * 2) / 3);
    await this.#exporters.shutdown(shutdownDeadlineMs, async (untilMs) => {
      // The final metrics tell what became of what the tap held.
      await tapEnded;
      await this.#loop?.shutdown(untilMs);
    });
    await fed;
    this.#source.close();
    this.#health?.close();
    this.#log.info(this.#sent(), 'stopped');
  }

  #sent(): object {
    return { ...this.#exporters.counters(), ...(this.#tap && { tap: this.#tap.counters() }) };
  }

  /** A person does not want to wait. */
  cutShort(): void {
    this.#log.warn(this.#sent(), 'cut short: what was not sent yet is lost');
  }
}
