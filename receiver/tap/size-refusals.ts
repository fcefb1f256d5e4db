import { ServerInterceptingCall, status, type ServerInterceptor } from '@grpc/grpc-js';
import type { Signal } from '../export/options.ts';
import { GRPC_PATHS } from '../export/transport.ts';
import { SIGNALS } from './endpoint.ts';

/**
 * Tells of messages that the gRPC library refuses for their size. They come to no handler, and of the interceptors'
 * hooks none tells them from a call that its client gave up: so the way in which the library answers is looked at.
 */
export function sizeRefusals(onRefused: (signal: Signal) => void): ServerInterceptor {
  return (method, call) => {
    const signal = SIGNALS.find((name) => GRPC_PATHS[name] === method.path);
    const send = call.sendStatus.bind(call);
    call.sendStatus = (sent) => {
      if (sent.code === status.RESOURCE_EXHAUSTED && signal !== undefined) onRefused(signal);
      send(sent);
    };
    return new ServerInterceptingCall(call);
  };
}
