/** Runs the instrumented Node service of test/workloads/node-service: its own OpenTelemetry SDK, unchanged. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { projectFolder } from '../backends/place.ts';
import { cleanEnvironment, runToEnd } from '../support/agent.ts';
import type { Cleanup } from '../support/cleanup.ts';
import { waitFor } from '../support/wait.ts';

const folder = join(projectFolder, 'test', 'workloads', 'node-service');

/** One request as the client made it: the ids are those that its `traceparent` carried. */
export interface RequestTruth {
  /** Its path; unique. */
  readonly id: string;
  readonly status: number;
  readonly startMs: number;
  readonly endMs: number;
  readonly traceId: string;
  readonly spanId: string;
}

/** Names that the service has in traces. */
export const services = { client: 'e2e-client', server: 'e2e-server' } as const;

function sdkSettings(serviceName: string, otlpPort: number): Record<string, string> {
  return {
    OTEL_SERVICE_NAME: serviceName,
    OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${otlpPort}`,
    OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc',
    OTEL_METRICS_EXPORTER: 'none',
    OTEL_LOGS_EXPORTER: 'none',
    OTEL_BSP_SCHEDULE_DELAY: '200',
  };
}

/** Starts the server in the cgroup whose `cgroup.procs` is given; resolves with its port. */
export async function startServer(
  cleanup: Cleanup,
  { procsFile, otlpPort }: { procsFile: string; otlpPort: number },
): Promise<{ port: number; stop: () => Promise<void> }> {
  const child = spawn(
    'sh',
    ['-c', 'echo $$ > "$0" && exec "$@"', procsFile, process.execPath, join(folder, 'server.ts')],
    { env: cleanEnvironment(sdkSettings(services.server, otlpPort)), stdio: ['ignore', 'pipe', 'inherit'] },
  );
  let stdout = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (stdout += chunk));
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const stop = async (): Promise<void> => {
    child.kill('SIGTERM');
    const timer = setTimeout(() => child.kill('SIGKILL'), 10_000);
    await ended;
    clearTimeout(timer);
  };
  cleanup.add(stop);
  await waitFor('the service to listen', () => child.exitCode !== null || stdout.endsWith('\n'));
  return { port: (JSON.parse(stdout) as { port: number }).port, stop };
}

/** Sends requests, at most `concurrency` at once, and ends; resolves with the truth of each. Without `patienceMs` it waits for answers. */
export async function sendRequests(
  target: { port: number; otlpPort: number },
  requests: number,
  concurrency: number,
  patienceMs = 0,
): Promise<RequestTruth[]> {
  const { code, stdout, stderr } = await runToEnd(
    process.execPath,
    [join(folder, 'client.ts'), ...[target.port, requests, concurrency, patienceMs].map(String)],
    { env: sdkSettings(services.client, target.otlpPort), withinMs: 120_000 },
  );
  if (code !== 0) throw new Error(`the client of the service failed (${code}): ${stderr}`);
  const lines = stdout.split('\n').filter((line) => line !== '');
  return lines.map((line) => JSON.parse(line) as RequestTruth);
}
