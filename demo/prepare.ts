/** Builds the back ends that the demo runs where they are not built yet, and says how long that takes. */
import { backEndPath, isBuilt } from '../test/backends/build.ts';

/** Measured on two cores. */
const BACK_ENDS = [
  { name: 'otelcol', is: 'the OpenTelemetry Collector', minutes: 3 },
  { name: 'jaeger', is: 'Jaeger', minutes: 6 },
] as const;

try {
  for (const { name, is, minutes } of BACK_ENDS) {
    if (!isBuilt(name))
      console.error(`wirespan: ${is} comes from its Go modules, once; about ${minutes} minutes on two cores`);
    await backEndPath(name);
  }
} catch (error) {
  console.error(`wirespan: ${(error as Error).message}`);
  process.exitCode = 1;
}
