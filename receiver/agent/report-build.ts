import type { AppConfig } from '../../config/index.ts';
import { ATTR_HOST_NAME } from '../../semconv/index.ts';
import { ReportBuilder } from '../report/builder.ts';
import { textOf } from '../report/read.ts';
import type { Facts, Report } from '../report/report.ts';
import type { RecordingReader } from '../recording/file-reader.ts';
import type { Player } from '../recording/player.ts';
import { boundCountsOf } from './bounds.ts';
import { PipelineReplay } from './pipeline-replay.ts';
import type { Pipeline } from './pipeline.ts';
import type { Pace } from './replay-pace.ts';

/** What a report is made of. */
export interface ReportSource {
  readonly reader: RecordingReader;
  readonly player: Player;
  readonly pace: Pace;
}

/** What a page says of a recording; undefined: a signal came. */
export async function buildReport(source: ReportSource, config: AppConfig): Promise<Report | undefined> {
  const { reader, player, pace } = source;
  const replay = new PipelineReplay(source, config, {
    event: (event) => builder.event(event),
    span: (span) => builder.span(span),
  });
  const { pipeline } = replay;
  const startNs = player.nowNs;
  const startMs = Number(pipeline.clock.toUnixNs(startNs) / 1_000_000n);
  const builder = new ReportBuilder(startMs);
  const collect = async (): Promise<void> => {
    const { clock, exemplars } = pipeline;
    builder.metrics(await exemplars.metrics.collect(clock.toUnixNs(clock.now())));
  };
  const isEnded = await replay.run({ collected: collect });
  if (pace.isStopping) return undefined;
  if (!isEnded) {
    // Cut off: what was going on then is told as it was.
    pipeline.correlator.flush();
    await collect();
  }
  const seconds = Number(player.nowNs - startNs) / 1e9;
  return builder.build(factsOf(reader, pipeline, { startMs, seconds }));
}

function factsOf(
  { meta, end, problem }: RecordingReader,
  pipeline: Pipeline,
  time: Pick<Facts, 'startMs' | 'seconds'>,
): Facts {
  const { decoded, enricher } = pipeline;
  return {
    host: textOf(enricher.host().attributes, ATTR_HOST_NAME),
    kernel: meta.kernel,
    architecture: meta.architecture,
    wirespan: meta.wirespan,
    ...time,
    areAddressesMasked: meta.areAddressesMasked,
    records: decoded.decoded,
    ...(problem !== undefined && { problem }),
    ...(end !== undefined && { ended: end.reason }),
    leftOut: leftOut(pipeline, end?.lost ?? 0),
    notSeen: meta.probes.missing,
  };
}

function leftOut(pipeline: Pipeline, lost: number): Facts['leftOut'] {
  const { decoded, correlator } = pipeline;
  const { eventsRateLimited, spansRateLimited, spansOverParent, spansOverTrace } = correlator.counters;
  const counts = {
    'events that the kernel had no room for (sums have them)': lost,
    'records that could not be read': decoded.bad,
    'events over a rate': eventsRateLimited,
    'spans over a limit': spansRateLimited + spansOverParent + spansOverTrace,
    ...boundCountsOf(pipeline),
  };
  return Object.entries(counts)
    .filter(([, count]) => count > 0)
    .map(([what, count]) => ({ what, count }));
}
