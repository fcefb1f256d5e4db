// The tiers of `npm test`, in the order in which they run.

const MINUTE = 60_000;

/** Seconds that each fuzz target runs; longer by hand. */
const fuzzSeconds = Number(process.env.WIRESPAN_TEST_FUZZ_SECONDS ?? 5) || 5;

/**
 * A tier is a list of checks (each counts as one test) or the test files below a folder.
 * `purposes`: what set-up it needs (packages.mjs; 'build' builds too). `timeoutMs`: the limit of one test.
 * `isSerial`: one file at a time, since its tests load programs into the one kernel and watch all of it.
 */
export const tiers = [
  {
    name: 'lint',
    purposes: ['lint'],
    checks: [
      {
        name: 'formatting of TypeScript, JavaScript, JSON, YAML and Markdown',
        script: 'scripts/lint.ts',
        args: ['prettier'],
      },
      { name: 'ESLint', script: 'scripts/lint.ts', args: ['eslint'] },
      { name: 'formatting of C and C++', script: 'scripts/lint.ts', args: ['clang-format'] },
    ],
  },
  {
    name: 'types',
    purposes: [],
    checks: [{ name: 'tsc -b', script: 'node_modules/typescript/bin/tsc', args: ['-b'] }],
  },
  {
    name: 'generated',
    purposes: ['build', 'generate'],
    checks: [{ name: 'generated files are up to date', script: 'scripts/generate.ts', args: ['--check'] }],
  },
  { name: 'unit', purposes: [], folder: 'test/unit', timeoutMs: 5 * MINUTE, isSerial: false },
  {
    name: 'fuzz',
    purposes: ['build'],
    folder: 'test/fuzz',
    timeoutMs: 2 * MINUTE + fuzzSeconds * 1000,
    isSerial: false,
  },
  {
    name: 'native',
    purposes: ['build', 'test'],
    folder: 'test/native',
    timeoutMs: 2 * MINUTE,
    isSerial: true,
  },
  {
    name: 'asan',
    purposes: ['build', 'test'],
    checks: [
      {
        name: 'the native tests, with the addon under AddressSanitizer',
        script: 'scripts/asan.ts',
        args: [],
      },
    ],
  },
  {
    name: 'backends',
    purposes: ['go'],
    checks: [
      { name: 'OpenTelemetry Collector is built', script: 'test/backends/build.ts', args: ['otelcol'] },
      {
        name: 'a newer OpenTelemetry Collector is built',
        script: 'test/backends/build.ts',
        args: ['otelcol-newest'],
      },
      {
        name: 'a collector before gateways is built',
        script: 'test/backends/build.ts',
        args: ['otelcol-balancing'],
      },
      { name: 'Jaeger is built', script: 'test/backends/build.ts', args: ['jaeger'] },
      { name: 'Prometheus is built', script: 'test/backends/build.ts', args: ['prometheus'] },
      { name: 'promtool is built', script: 'test/backends/build.ts', args: ['promtool'] },
      { name: 'Helm is built', script: 'test/backends/build.ts', args: ['helm'] },
      { name: 'the clients of Go are built', script: 'test/backends/build.ts', args: ['h2-client'] },
    ],
  },
  {
    name: 'kernel',
    purposes: ['build', 'test', 'demo'],
    folder: 'test/kernel',
    timeoutMs: 31 * MINUTE,
    isSerial: true,
  },
  {
    name: 'e2e',
    purposes: ['build', 'test', 'go', 'demo', 'picture', 'package'],
    folder: 'test/e2e',
    timeoutMs: 10 * MINUTE,
    isSerial: true,
  },
];
