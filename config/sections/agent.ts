import { choice, duration, integer, onOff, powerOfTwoBytes, socketPath, text } from '../format.ts';
import { cidrList, filterRules, pairs } from '../format-lists.ts';
import { PROFILES, type Profile } from '../profiles.ts';
import { setting, type SettingTree } from '../setting.ts';
import { otlpTapSettings } from './otlp-tap.ts';

/** Which defaults the others have. */
export const profileSettings: SettingTree = {
  profile: setting(
    choice(Object.keys(PROFILES) as Profile[]),
    'default',
    'Other defaults for bounds: `small` is for a node where the agent may have 150 MB, kernel memory included. What is given elsewhere wins.',
  ),
};

/** What runs in the kernel and how much of it is kept. */
export const kernelSettings: SettingTree = {
  bpf: {
    ring_buffer_size: setting(
      powerOfTwoBytes(4096, 2 ** 30),
      4 * 2 ** 20,
      'Bytes of the ring buffer from the kernel, one page or more. Counts stay exact when it is full; events are then counted as lost.',
      { defaultText: '`4MiB`' },
    ),
    costly_variants: setting(
      onOff,
      'off',
      'Allows programs that cost on every system call or packet of the host where a better one does not load.',
    ),
    max_series: setting(
      integer(1, 2 ** 22),
      16384,
      'Entries of each kernel map of sums. Each process has a share; more are summed in overflow entries.',
    ),
    max_sockets: setting(
      integer(1, 2 ** 24),
      262_144,
      'TCP sockets whose figures are kept at once, closed ones until another takes their place; of more, connections are not counted. Linux 6.2 or later; before, every socket carries its own.',
    ),
    max_owners: setting(integer(1, 2 ** 22), 16384, 'Processes that the kernel side can tell apart.'),
  },
  correlation: {
    http1: setting(
      choice(['on', 'clients', 'off']),
      'on',
      'Reads the `traceparent` of plaintext HTTP/1.x requests where they are written, and with `on` where they arrive; only its 26 bytes of ids leave the kernel. Arrivals need `CAP_NET_ADMIN` and cgroup v2.',
    ),
    http2: setting(
      onOff,
      'off',
      'Reads the `traceparent` of plaintext HTTP/2 requests, gRPC among them, where clients write them and where they arrive at servers: their header blocks are copied out of the kernel, and nothing of them but ids is kept.',
    ),
    hook: setting(
      onOff,
      'on',
      'Takes the trace contexts that applications announce for their sockets: `wirespan/hook` in Node, a `setsockopt()` in any language. Needs `CAP_NET_ADMIN` and cgroup v2.',
    ),
    thread_context: setting(
      onOff,
      'on',
      'Reads the trace context that the threads of some SDKs publish in their memory (OTEP 4947), 26 bytes of ids, when they connect or write.',
    ),
    otlp_tap: otlpTapSettings,
  },
  filter: {
    include: setting(filterRules, [], 'Observe only connections that match a rule; empty: all.'),
    exclude: setting(filterRules, [], 'Never observe connections that match a rule, even when included.'),
  },
};

/** How what was seen is named and shown. */
export const shapeSettings: SettingTree = {
  resource: {
    granularity: setting(
      choice(['auto', 'process', 'container', 'service']),
      'auto',
      'What one OTLP resource is. `auto`: the best identity known of each workload.',
    ),
    limit: setting(
      integer(1, 2 ** 20),
      2_000,
      'Workload resources at once, with 2 KiB of attributes for each on average; more processes are on their container, else the host, until there is room.',
    ),
    fold_short_lived: setting(
      onOff,
      'off',
      'Puts metrics of processes that end before the first export on their container, else the host.',
    ),
    exec_names: setting(
      onOff,
      'on',
      'Keeps `OTEL_SERVICE_NAME` and `OTEL_RESOURCE_ATTRIBUTES` of each program as it is started, for when it has overwritten its environment (`setproctitle`).',
    ),
    process_context: setting(
      onOff,
      'on',
      'Reads the names that a process publishes in its memory for it (OTEP 4719), when its environment has none.',
    ),
  },
  addresses: setting(
    choice(['full', 'prefix', 'none']),
    'full',
    'How IP addresses leave: whole, as /24 and /48 prefixes, or not at all.',
  ),
  subnets: setting(
    cidrList,
    [],
    'Networks to sum traffic by (`wirespan.peer.cidr`); the narrowest that holds the peer wins.',
  ),
  series: {
    limit: setting(
      integer(100, 2 ** 22),
      50_000,
      'Live metric series of the whole agent; more go to overflow series.',
    ),
  },
  output: setting(
    choice(['none', 'table', 'json']),
    undefined,
    'What `wirespan run` writes to standard output. A person sees it on a terminal, and where one at a terminal leads it to a file or a pipe.',
    {
      defaultText: '`table` where a person sees it, else `none`',
    },
  ),
  display: {
    group_by: setting(
      choice(['command', 'process']),
      'command',
      'What a row of the table is: all processes of one service and command, whose endpoints are put together where there is no room for them, or each process by itself.',
    ),
  },
};

/** The agent itself. */
export const agentSettings: SettingTree = {
  views: {
    socket: setting(
      socketPath,
      'off',
      'Unix socket at which views (`wirespan tcplife` and the like) read from this agent instead of loading programs of their own; they look at `/run/wirespan/views.sock` by themselves ([views.md](views.md#from-a-running-agent)).',
    ),
    access: setting(
      choice(['owner', 'group', 'all']),
      'owner',
      'Who may read there: `owner` is file mode 0600, `group` 0660 and `all` 0666. Addresses, ports and commands of the whole host are to be read.',
    ),
  },
  agent: {
    service_name: setting(text, 'wirespan', "`service.name` of the agent's own telemetry."),
    resource_attributes: setting(
      pairs(/^[^\s=,][^=,]*$/, 'without = and ,'),
      [],
      "More resource attributes of the agent's own telemetry.",
      { defaultText: 'none' },
    ),
  },
  log: {
    level: setting(
      choice(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'], {
        verbose: 'debug',
        notice: 'info',
        warning: 'warn',
        critical: 'fatal',
        off: 'silent',
        none: 'silent',
      }),
      'info',
      'The least severe line that the agent logs on standard error.',
    ),
  },
  shutdown: {
    deadline: setting(duration(0), 5_000, 'Longest time from SIGTERM to the end, the last export included.', {
      defaultText: '`5s`',
    }),
  },
};
