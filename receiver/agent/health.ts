import type { ResourceMetrics } from '@opentelemetry/sdk-metrics';
import type { AppConfig } from '../../config/index.ts';
import type { Logger } from '../cli/log.ts';
import { AttemptJournal } from '../export/attempt-journal.ts';
import {
  startPageServer,
  plainPage,
  MAX_CONNECTIONS,
  type Page,
  type PageServer,
} from '../serve/page-server.ts';
import { placeOf } from '../serve/listen.ts';
import type { AgentTelemetry } from '../telemetry/agent-telemetry.ts';
import type { BoundCounts } from './bounds.ts';
import { createStatus, type Status, type StatusSources, type Verdict } from './status.ts';
import { VitalSigns } from './vital-signs.ts';

const JSON_TYPE = 'application/json; charset=utf-8';
const NOT_YET = 'programs are not attached yet';

/** Metrics in a format that has a media type. */
interface Format {
  readonly PROMETHEUS_TYPE: string;
  readonly prometheusText: (metrics: ResourceMetrics) => string;
}

/** What an agent that runs tells of itself. */
export type HealthSources = Omit<StatusSources, 'journal'>;

/** Says over HTTP how the agent is. Nothing that is asked makes it read the kernel: pages are of the last collection. */
export class Health {
  /** Told of every attempt to export. */
  readonly journal = new AttemptJournal();
  readonly signs: VitalSigns;
  #server: PageServer | undefined;
  #status: ((ready: Verdict, healthy: Verdict) => Status) | undefined;
  #telemetry: Pick<AgentTelemetry, 'latest'> | undefined;
  #log: Pick<Logger, 'error'> | undefined;
  /** Loaded before privileges are given up. */
  readonly #format: Format;

  private constructor({ metricExport }: AppConfig, format: Format) {
    this.#format = format;
    this.signs = new VitalSigns(metricExport.intervalMs);
  }

  /**
   * Listens, before anything is loaded; undefined when the settings do not ask for it.
   * @throws ListenError
   */
  static async open(config: AppConfig): Promise<Health | undefined> {
    const address = config.health;
    if (address === undefined) return undefined;
    // Its library brings a second copy of the SDK: only who asks for pages pays for it.
    const health = new Health(config, await import('../telemetry/prometheus-text.ts'));
    const listening = { who: 'The health endpoint', setting: 'health.listen', other: 'another agent' };
    health.#server = await startPageServer({
      address,
      listening,
      pages: new Map([
        ['/healthz', () => verdictPage(health.signs.healthy())],
        ['/readyz', () => verdictPage(health.signs.ready())],
        ['/metrics', () => health.#metrics()],
        ['/status', () => health.#statusPage()],
      ]),
      onError: (error) =>
        health.#log?.error({ err: error, at: placeOf(address) }, 'a page could not be made'),
    });
    return health;
  }

  /** Programs are attached. */
  attached(sources: HealthSources, telemetry: Pick<AgentTelemetry, 'latest'>, log: Logger): void {
    this.#log = log;
    this.#telemetry = telemetry;
    this.#status = createStatus({ ...sources, journal: this.journal });
    this.signs.attached();
  }

  bounds(): BoundCounts {
    const what = `connections to the health endpoint that made room for younger ones (${String(MAX_CONNECTIONS)})`;
    return { [what]: this.#server?.closedForRoom() ?? 0 };
  }

  close(): void {
    this.#server?.close();
  }

  #metrics(): Page {
    const latest = this.#telemetry?.latest();
    if (latest === undefined) return plainPage(503, 'nothing was collected yet');
    const { prometheusText, PROMETHEUS_TYPE } = this.#format;
    return { status: 200, type: PROMETHEUS_TYPE, text: prometheusText(latest) };
  }

  #statusPage(): Page {
    if (this.#status === undefined) return plainPage(503, NOT_YET);
    const status = this.#status(this.signs.ready(), this.signs.healthy());
    return { status: 200, type: JSON_TYPE, text: `${JSON.stringify(status)}\n` };
  }
}

function verdictPage({ isSo, why }: Verdict): Page {
  return plainPage(isSo ? 200 : 503, why);
}
