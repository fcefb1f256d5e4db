// Stand-in until semconv/index.ts delivers METRICS, EVENTS and SPANS; same shape.

interface MetricSignal {
  readonly name: string;
  readonly switch: string;
  readonly brief: string;
  readonly defaultOn: boolean;
}

interface ModeSignal {
  readonly name: string;
  readonly switch: string;
  readonly brief: string;
  readonly defaultMode: string;
  readonly modes: readonly string[];
}

const metric = (name: string, brief: string, defaultOn: boolean): MetricSignal => ({
  name: `wirespan.${name}`, switch: name, brief, defaultOn,
});
const event = (name: string, brief: string, defaultMode: string): ModeSignal => ({
  name: `wirespan.${name}`, switch: name, brief, defaultMode, modes: ['on', 'correlated', 'off'],
});
const span = (name: string, brief: string, defaultMode: string): ModeSignal => ({
  name: `wirespan.${name}`, switch: name, brief, defaultMode, modes: ['always', 'correlated', 'off'],
});

export const METRICS: readonly MetricSignal[] = [
  metric('tcp.connection.opened', 'Finished attempts to establish a connection, successful or not', true),
  metric('tcp.state.duration', 'Time spent in a TCP state before leaving it', false),
];
export const EVENTS: readonly ModeSignal[] = [
  event('tcp.connection.fail', 'attempt failed', 'on'),
  event('tcp.connection.close', 'connection closed', 'off'),
  event('tcp.retransmit', 'a segment was sent again', 'correlated'),
];
export const SPANS: readonly ModeSignal[] = [
  span('tcp.connect', 'handshake, or its failure', 'correlated'),
  span('tcp.connection', 'a whole connection', 'off'),
  span('tcp.accept', 'SYN-ACK sent to accept()', 'off'),
];
