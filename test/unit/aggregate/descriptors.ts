import type { MetricDescriptor } from '../../../semconv/index.ts';
import type { ObservedResource } from '../../../receiver/model/resource.ts';

const base = {
  unit: '{thing}',
  description: 'for tests',
  valueType: 'int',
  scope: 'tcp',
  resource: 'workload',
  defaultOn: true,
  switch: 'metrics.test',
  maxSeries: 2000,
  attributes: [],
  bccTools: [],
} as const;

export const counter: MetricDescriptor = { ...base, name: 'test.things', instrument: 'counter' };

export const timeCounter: MetricDescriptor = {
  ...base,
  name: 'test.time',
  instrument: 'counter',
  unit: 's',
  valueType: 'double',
  scope: 'softirq',
};

export const level: MetricDescriptor = { ...base, name: 'test.count', instrument: 'updowncounter' };

export const histogram: MetricDescriptor = {
  ...base,
  name: 'test.duration',
  instrument: 'histogram',
  unit: 's',
  valueType: 'double',
  boundaries: [0.25, 1, 4],
};

export function workload(id: string): ObservedResource {
  return { id, kind: 'workload', attributes: { 'service.name': id } };
}
