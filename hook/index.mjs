/**
 * `node --import wirespan/hook app.js`: the agent learns which span the bytes of each HTTP request, and of each command of
 * Redis and PostgreSQL, are for, whatever TLS makes of them, and each connect. Nothing else changes, and without an agent or without OpenTelemetry nothing happens. See docs/hook.md.
 */
import { loadCalls } from './addon.mjs';
import { Announcer } from './announcer.mjs';
import { ClientSpans } from './client-spans.mjs';
import { hookHttp } from './http.mjs';
import { hookHttp2 } from './http2.mjs';
import { hookIoredis } from './ioredis.mjs';
import { hookNet } from './net.mjs';
import { hookPg } from './pg.mjs';
import { hookUndici } from './undici.mjs';

const calls = loadCalls();
if (calls !== undefined) {
  const announcer = new Announcer(calls);
  const clientSpans = new ClientSpans();
  hookIoredis(announcer, clientSpans);
  hookPg(announcer, clientSpans);
  hookHttp2(announcer);
  hookNet(announcer, [hookUndici(announcer), hookHttp(announcer)]);
}
