// A node:test reporter: readable lines on its output, and the counts with every skip's reason and every file's time as
// JSON in the file that TEST_REPORT_FILE names. A file that crashes or holds no test counts as failed.
import { writeFileSync } from 'node:fs';
import { relative, resolve } from 'node:path';
import { inspect } from 'node:util';

/** Failure types of a parent whose own code did nothing wrong: its children are counted already. */
const CHILD_FAILURES = new Set(['subtestsFailed']);

/** The table at the end has as much of the first line of a failure. */
const CAUSE_CHARACTERS = 300;

function createCounts() {
  return { passed: 0, failed: 0, skipped: 0, skips: [], failures: [], files: [] };
}

function isSuite(data) {
  return data.details?.type === 'suite';
}

/** node:test reports a test file itself, named by its path, when it held no test or ended before its tests. */
function isWholeFile(data) {
  return data.nesting === 0 && data.file !== undefined && resolve(data.name) === data.file;
}

function place(data) {
  if (data.file === undefined) return '';
  return `${relative(process.cwd(), data.file)}${data.line === undefined ? '' : `:${data.line}`}`;
}

function skipReason(data) {
  if (data.skip !== undefined && data.skip !== false)
    return typeof data.skip === 'string' ? data.skip : 'no reason given';
  if (data.todo !== undefined && data.todo !== false)
    return `todo: ${typeof data.todo === 'string' ? data.todo : 'no reason given'}`;
  return undefined;
}

function countSkip(counts, data, reason) {
  counts.skipped += 1;
  counts.skips.push({ name: data.name, place: place(data), reason });
  return `${indent(data)}- ${data.name} (skipped: ${reason})\n`;
}

function countFailure(counts, data, detail) {
  counts.failed += 1;
  const cause = detail.split('\n')[0].slice(0, CAUSE_CHARACTERS);
  counts.failures.push({ name: data.name, place: place(data), cause });
  const text = detail.replaceAll('\n', `\n${indent(data)}    `);
  return `${indent(data)}x ${data.name} (${place(data)})\n${indent(data)}    ${text}\n`;
}

function indent(data) {
  return '  '.repeat(data.nesting + 1);
}

function milliseconds(data) {
  return `${Math.round(data.details.duration_ms)} ms`;
}

function describeError(error) {
  const cause = error?.cause ?? error;
  if (cause instanceof Error) return cause.stack ?? cause.message;
  return typeof cause === 'string' ? cause : inspect(cause);
}

function onPass(counts, data) {
  const reason = skipReason(data);
  if (reason !== undefined) return countSkip(counts, data, reason);
  if (isSuite(data)) return '';
  if (isWholeFile(data))
    return countFailure(
      counts,
      data,
      'no test of this file was finished: it holds none, or it exited before them',
    );
  counts.passed += 1;
  return `${indent(data)}✓ ${data.name} (${milliseconds(data)})\n`;
}

function onFail(counts, data) {
  const reason = skipReason(data);
  if (reason !== undefined) return countSkip(counts, data, reason);
  const error = data.details.error;
  if (CHILD_FAILURES.has(error?.failureType)) return '';
  return countFailure(counts, data, describeError(error));
}

/** The reporter, as `node --test --test-reporter=` takes it. */
async function* reportTests(source) {
  const counts = createCounts();
  for await (const { type, data } of source) {
    if (type === 'test:pass') yield onPass(counts, data);
    else if (type === 'test:fail') yield onFail(counts, data);
    else if (type === 'test:stderr' || type === 'test:stdout') yield data.message;
    else if (type === 'test:summary' && data.file !== undefined)
      counts.files.push({ file: relative(process.cwd(), data.file), seconds: data.duration_ms / 1000 });
  }
  if (process.env.TEST_REPORT_FILE) writeFileSync(process.env.TEST_REPORT_FILE, JSON.stringify(counts));
}

export default reportTests;
