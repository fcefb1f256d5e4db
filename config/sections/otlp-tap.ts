import { duration, integer, onOff, powerOfTwoBytes } from '../format.ts';
import { listenAddress } from '../listen.ts';
import type { SettingTree } from '../setting.ts';
import { setting } from '../setting.ts';

/** The OTLP endpoint for local applications. */
export const otlpTapSettings: SettingTree = {
  enabled: setting(
    onOff,
    'off',
    'Takes the OTLP of local applications and sends it on, unchanged, to the endpoints of `otlp`, with their headers ([otlp-tap.md](otlp-tap.md)).',
  ),
  grpc: setting(listenAddress, '127.0.0.1:4317', 'Where the tap takes OTLP over gRPC.'),
  http: setting(
    listenAddress,
    '127.0.0.1:4318',
    'Where the tap takes OTLP over HTTP, protobuf and JSON, at `/v1/traces`, `/v1/metrics` and `/v1/logs`.',
  ),
  remote: setting(
    onOff,
    'off',
    'Allows addresses that other machines can reach. There is no TLS, and whoever reaches the tap sends with the headers of `otlp`.',
  ),
  queue_size: setting(
    integer(1, 2 ** 20),
    1_000,
    'Most requests of applications that wait to be sent on; more are answered with a status that makes their SDK try again, and counted.',
  ),
  queue_bytes: setting(
    powerOfTwoBytes(4_096, 2 ** 34),
    64 * 2 ** 20,
    'Most bytes of requests that wait to be sent on; as `queue_size`.',
    { defaultText: '`64MiB`' },
  ),
  max_request_size: setting(
    powerOfTwoBytes(1_024, 2 ** 30),
    4 * 2 ** 20,
    'Most bytes of one request, uncompressed; larger ones are refused for good, as collectors do.',
    { defaultText: '`4MiB`' },
  ),
  max_connections: setting(
    integer(1, 2 ** 16),
    256,
    'Most connections of applications at once, over gRPC and over HTTP each; more are closed and counted.',
  ),
  hold: setting(
    duration(0),
    15_000,
    "Longest time for which a server's retransmissions and drops wait for the SERVER span of their request, which an application exports seconds later.",
    { defaultText: '`15s`' },
  ),
  timeout: setting(
    duration(1),
    300_000,
    'Longest time for one request, its retries included; then it is dropped and counted.',
    { defaultText: '`5m`' },
  ),
};
