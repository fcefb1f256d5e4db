/** The page of a report: nothing that a process says becomes markup, and its policy lets nothing in. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, it } from 'node:test';
import { renderPage } from '../../../receiver/report/page/page.ts';
import type { Report } from '../../../receiver/report/report.ts';
import { endsOf, eventOf, reportOf } from './made.ts';

/** Ends what it may stand in: an element, an attribute, a comment, a script. */
const MARKUP = `"'></td></script></style>--><!--<i id="broken">&amp;`;

function figuresOf(page: string): unknown {
  const begin = `<script type="application/json" id="wirespan-report">`;
  const [, rest = ''] = page.split(begin);
  return JSON.parse(rest.slice(0, rest.indexOf('</script>'))) as unknown;
}

/** Everything in it that somebody else chose is markup. */
function hostile(): Report {
  const more = { 'wirespan.tcp.retransmit.segments': 1, 'process.executable.name': MARKUP };
  const options = { service: MARKUP, traceId: 'ab'.repeat(16) };
  return reportOf(
    [
      eventOf('tcp.retransmit', { ...endsOf('a', MARKUP), ...more }, options),
      eventOf(
        'tcp.connection.close',
        { ...endsOf('b', MARKUP), ...more, 'error.type': MARKUP, 'wirespan.tcp.connection.lifetime': 1 },
        options,
      ),
      eventOf('tcp.connection.fail', { ...endsOf('c', MARKUP), 'error.type': MARKUP }, options),
    ],
    {
      host: MARKUP,
      kernel: MARKUP,
      architecture: MARKUP,
      wirespan: MARKUP,
      problem: MARKUP,
      leftOut: [{ what: MARKUP, count: 1 }],
      notSeen: [{ probe: MARKUP, why: MARKUP }],
    },
  );
}

describe('the page', () => {
  it('has what others chose as text alone', () => {
    const page = renderPage(hostile());
    assert.ok(page.split('broken').length > 15, 'it is there');
    assert.doesNotMatch(page, /<i |<!--/);
    assert.deepEqual(
      ['<script', '</script', '<style', '</style'].map((tag) => page.split(tag).length - 1),
      [1, 1, 1, 1],
    );
    // Attributes too: what is in quotes does not end.
    for (const [, value = ''] of page.matchAll(/(?:aria-label|content|title)="([^"]*)"/g))
      assert.doesNotMatch(value, /id="broken"/);
  });

  it('has its figures as JSON that is read as it was', () => {
    const report = hostile();
    assert.deepEqual(figuresOf(renderPage(report)), JSON.parse(JSON.stringify(report)));
  });

  it('has nothing in its JSON that HTML or JavaScript would take for an end', () => {
    const host = '</script> <!-- --> \u2028 \u2029 &lt; 😀';
    const report = reportOf([], { host });
    const page = renderPage(report);
    const [, json = ''] = /id="wirespan-report">([^]*?)<\/script>/.exec(page) ?? [];
    assert.doesNotMatch(json, /[<>&\u2028\u2029]/);
    assert.equal((JSON.parse(json) as Report).facts.host, host);
  });

  it('lets in its own style and nothing else', () => {
    const page = renderPage(reportOf([]));
    const [, style = ''] = /<style>([^]*)<\/style>/.exec(page) ?? [];
    const hash = createHash('sha256').update(style).digest('base64');
    assert.ok(style.length > 1_000);
    assert.ok(
      page.includes(`style-src 'sha256-${hash}'`) || page.includes(`style-src &#39;sha256-${hash}&#39;`),
    );
    assert.doesNotMatch(page, / style="/);
  });

  it('says of a time in which nothing happened that nothing did', () => {
    const page = renderPage(reportOf([]));
    for (const words of ['No segment was sent again.', 'No connect failed.', 'no bound was met'])
      assert.ok(page.includes(words), words);
    assert.doesNotMatch(page, /NaN|Infinity|undefined/);
  });

  it('says what is missing of a recording that was cut off', () => {
    const { ended: _, ...facts } = reportOf([]).facts;
    const report = { ...reportOf([]), facts: { ...facts, problem: 'case is cut off at byte 9' } };
    const page = renderPage(report);
    assert.match(page, /class="warning"[^>]*><bdi>case is cut off at byte 9</);
    assert.match(page, /it is not known how many were lost/);
  });

  it('names what is left out of a table', () => {
    const events = Array.from({ length: 20 }, (_, i) =>
      eventOf('tcp.connection.close', { ...endsOf(i), 'wirespan.tcp.connection.lifetime': i }),
    );
    assert.match(renderPage(reportOf(events)), /<data value="5">5<\/data> more connections closed/);
  });
});
