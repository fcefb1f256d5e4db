import { onOff } from '../format.ts';
import { listenAddress } from '../listen.ts';
import { setting, type SettingTree } from '../setting.ts';

/** How the agent is, for probes, scrapes and `wirespan status`. */
export const healthSettings: SettingTree = {
  health: {
    listen: setting(
      listenAddress,
      'off',
      'Where the agent says how it is, over HTTP: `/healthz`, `/readyz`, `/metrics` and `/status` ([health.md](health.md)).',
    ),
    remote: setting(
      onOff,
      'off',
      'Allows an address that other machines can reach, for probes of the kubelet to a pod, say. There is neither TLS nor a password.',
    ),
  },
};
