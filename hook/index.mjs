/**
 * `node --import wirespan/hook app.js`: the agent learns which span each HTTP request's bytes are for, whatever TLS
 * makes of them. Nothing else changes, and without an agent or without OpenTelemetry nothing happens. See docs/hook.md.
 */
import { loadAnnounce } from './addon.mjs';
import { Announcer } from './announcer.mjs';
import { hookHttp } from './http.mjs';
import { hookUndici } from './undici.mjs';

const announce = loadAnnounce();
if (announce !== undefined) {
  const announcer = new Announcer(announce);
  hookHttp(announcer);
  hookUndici(announcer);
}
