/** The whole line: the agent, the real collector, and what the collector wrote in the end. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { readLogs, readMetricPoints, readSpans } from '../backends/otlp.ts';
import type { LogEntry, MetricPoint, SpanEntry } from '../backends/otlp.ts';
import { readOtlpJsonLines, startCollector } from '../backends/run.ts';
import type { Collector } from '../backends/run.ts';
import { startAgent } from '../support/agent.ts';
import type { Agent } from '../support/agent.ts';
import type { Cleanup } from '../support/cleanup.ts';
import type { OtlpLine } from '../support/otlp-json.ts';

/** Everything that reached the collector. */
export interface Output {
  readonly metrics: readonly MetricPoint[];
  readonly logs: readonly LogEntry[];
  readonly spans: readonly SpanEntry[];
  /** The same as it was written. */
  readonly lines: readonly OtlpLine[];
}

/** An agent that observes this machine and exports to a collector. */
export interface Observation {
  readonly agent: Agent;
  readonly collector: Collector;
  /** What has arrived so far. */
  readonly read: () => Output;
  /** Stops the agent (which drains and must end with 0), then the collector; all that was exported. */
  readonly finish: () => Promise<Output>;
}

/** What differs between tests. */
export interface ObserveOptions {
  /** Environment of the agent. */
  readonly settings?: Readonly<Record<string, string>>;
  readonly protocol?: 'grpc' | 'http/protobuf';
  /** OTLP port of a Jaeger that gets the spans as well. */
  readonly tracesPort?: number;
  /** Runs the agent as its only child. */
  readonly launcher?: readonly string[];
  /** Port where Prometheus could read the metrics as well. */
  readonly prometheusPort?: number;
}

/** Starts both; what is left running when the test fails goes with `cleanup`. */
export async function observe(cleanup: Cleanup, options: ObserveOptions = {}): Promise<Observation> {
  const { settings = {}, protocol = 'grpc', tracesPort, prometheusPort, launcher } = options;
  const collector = await startCollector({
    outputDir: join(cleanup.makeFolder(), 'collector'),
    ...(tracesPort === undefined ? {} : { tracesPort }),
    ...(prometheusPort === undefined ? {} : { prometheusPort }),
  });
  cleanup.add(() => collector.stop());
  const agent = await startAgent({ ...otlpSettings(collector, protocol), ...settings }, undefined, launcher);
  cleanup.add(() => agent.kill());
  const read = (): Output => readOutput(collector);
  return {
    agent,
    collector,
    read,
    finish: async () => {
      const { code, signal, stderr } = await agent.stop();
      assert.deepEqual({ code, signal }, { code: 0, signal: undefined }, `how the agent ended:\n${stderr}`);
      await collector.stop();
      return read();
    },
  };
}

/** Environment that points the agent at a collector. */
export function otlpSettings(
  { grpcPort, httpPort }: Pick<Collector, 'grpcPort' | 'httpPort'>,
  protocol: 'grpc' | 'http/protobuf' = 'grpc',
): Record<string, string> {
  return {
    OTEL_EXPORTER_OTLP_PROTOCOL: protocol,
    OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${protocol === 'grpc' ? grpcPort : httpPort}`,
  };
}

/** Reads the collector's files. */
export function readOutput({ metricsFile, logsFile, tracesFile }: Collector): Output {
  return {
    metrics: readMetricPoints(metricsFile),
    logs: readLogs(logsFile),
    spans: readSpans(tracesFile),
    lines: [metricsFile, logsFile, tracesFile].flatMap((file) => readOtlpJsonLines<OtlpLine>(file)),
  };
}
