import type { ExchangePhases } from '../../receiver/model/exchange-phases.ts';

/** Phases of an exchange of which nothing is known. */
export const NO_PHASES: ExchangePhases = {
  cameNs: 0n,
  readNs: 0n,
  queuedNs: 0n,
  waitsNs: 0n,
  writtenNs: 0n,
  unsentNs: 0n,
  lostNs: 0n,
  lostUnsentNs: 0n,
  earlierUnsentNs: 0n,
  earlierLostNs: 0n,
  earlierUnknownNs: 0n,
  connectNs: 0n,
  establishedNs: 0n,
  acceptedNs: 0n,
  segmentsSeen: 0,
  isUnclear: false,
};
