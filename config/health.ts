import type { AppConfig } from './app-config.ts';
import type { ConfigProblem } from './errors.ts';
import { isLoopback, parseListenAddress, type ListenAddress } from './listen.ts';
import { located } from './otlp.ts';
import { endpointAt } from './otlp-tap.ts';
import type { Settings } from './settings.ts';

const KEY = 'health.listen';

/** Where the agent says how it is; nothing when it does not. */
export function health(settings: Settings): Pick<AppConfig, 'health'> {
  const address = addressOf(settings);
  return address === undefined ? {} : { health: address };
}

function addressOf({ values }: Settings): ListenAddress | undefined {
  return parseListenAddress(String(values.get(KEY)));
}

/** What single keys cannot tell. */
export function healthProblems(settings: Settings): ConfigProblem[] {
  const address = addressOf(settings);
  if (address === undefined) return [];
  if (!isLoopback(address.host) && settings.values.get('health.remote') !== 'on')
    return [
      located(
        settings,
        KEY,
        'listens beyond this machine: take 127.0.0.1 or [::1], or allow it by health.remote=on',
      ),
    ];
  const loop = endpointAt(settings, address);
  if (loop === undefined) return [];
  const problem = `is where the agent itself sends its ${loop} (otlp.endpoint): give it another port`;
  return [located(settings, KEY, problem)];
}
