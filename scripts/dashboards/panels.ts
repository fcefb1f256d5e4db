/** What all dashboards have in common, made by Grafana's own builders. */
import type { Builder } from '@grafana/grafana-foundation-sdk/cog';
import {
  LegendDisplayMode,
  LegendPlacement,
  ReduceDataOptionsBuilder,
  StackingConfigBuilder,
  StackingMode,
  VizLegendOptionsBuilder,
} from '@grafana/grafana-foundation-sdk/common';
import {
  DashboardBuilder,
  DashboardLinkBuilder,
  DashboardLinkType,
  DatasourceVariableBuilder,
  QueryVariableBuilder,
  RowBuilder,
  VariableRefresh,
  VariableSort,
  type Dashboard,
  type Panel,
} from '@grafana/grafana-foundation-sdk/dashboard';
import { DataqueryBuilder, PromQueryFormat } from '@grafana/grafana-foundation-sdk/prometheus';
import { PanelBuilder as StatBuilder } from '@grafana/grafana-foundation-sdk/stat';
import { PanelBuilder as TableBuilder } from '@grafana/grafana-foundation-sdk/table';
import { PanelBuilder as TimeseriesBuilder } from '@grafana/grafana-foundation-sdk/timeseries';
import type { MetricDescriptor } from '../../semconv/types.ts';

const TAG = 'wirespan';
const DATA_SOURCE = { type: 'prometheus', uid: '${datasource}' };
/** A row has 24 units. */
const HALF = 12;
const QUARTER = 6;
const HEIGHT = 8;
/** Queries of a panel are A, B and so on. */
const FIRST_REF = 'A'.charCodeAt(0);

/** What one panel shows. */
export interface Shown {
  readonly title: string;
  readonly description: string;
  /** Unit of Grafana, such as `s`, `cps` or `percentunit`. */
  readonly unit: string;
  /** Expression by what the legend calls it, which may hold labels: `{{job}}`. */
  readonly queries: Readonly<Record<string, string>>;
  readonly isStacked?: boolean;
  /** Points that lead to traces are drawn. */
  readonly hasExemplars?: boolean;
}

/** Values over time. */
export function overTime(shown: Shown): Builder<Panel> {
  const panel = new TimeseriesBuilder()
    .title(shown.title)
    .description(shown.description)
    .datasource(DATA_SOURCE)
    .unit(shown.unit)
    .min(0)
    .span(HALF)
    .height(HEIGHT)
    .fillOpacity(shown.isStacked === true ? 40 : 0)
    .legend(
      new VizLegendOptionsBuilder()
        .showLegend(true)
        .displayMode(LegendDisplayMode.Table)
        .placement(LegendPlacement.Right)
        .calcs(['max', 'lastNotNull']),
    );
  if (shown.isStacked === true) panel.stacking(new StackingConfigBuilder().mode(StackingMode.Normal));
  for (const query of queriesOf(shown))
    panel.withTarget(shown.hasExemplars === true ? query.range().exemplar(true) : query.range());
  return panel;
}

/** One number, now. */
export function now(shown: Shown): Builder<Panel> {
  const { title, description, unit } = shown;
  const panel = new StatBuilder().title(title).description(description).datasource(DATA_SOURCE).unit(unit);
  panel.span(QUARTER).height(HEIGHT / 2);
  panel.reduceOptions(new ReduceDataOptionsBuilder().calcs(['lastNotNull']));
  for (const query of queriesOf(shown)) panel.withTarget(query.instant());
  return panel;
}

/** Rows now, the greatest first. */
export function ranking(shown: Shown): Builder<Panel> {
  const { title, description, unit } = shown;
  const panel = new TableBuilder().title(title).description(description).datasource(DATA_SOURCE).unit(unit);
  panel.span(HALF).height(HEIGHT);
  for (const query of queriesOf(shown)) panel.withTarget(query.format(PromQueryFormat.Table).instant());
  return panel.withTransformation({ id: 'organize', options: { excludeByName: { Time: true } } });
}

function queriesOf({ queries }: Shown): DataqueryBuilder[] {
  return Object.entries(queries).map(([legend, expression], index) =>
    new DataqueryBuilder()
      .refId(String.fromCharCode(FIRST_REF + index))
      .expr(expression)
      .legendFormat(legend),
  );
}

export interface Page {
  /** Part of its address in Grafana, and the name of its file. */
  readonly name: string;
  readonly title: string;
  readonly description: string;
  /** What can be chosen: label, by the metric or `target_info` that has it. */
  readonly variables: readonly { readonly label: 'host' | 'job'; readonly values: string }[];
  readonly rows: Readonly<Record<string, readonly Builder<Panel>[]>>;
}

/** The dashboard as Grafana takes it. */
export function dashboardOf({ name, title, description, variables, rows }: Page): Dashboard {
  const board = new DashboardBuilder(`wirespan: ${title}`)
    .uid(`${TAG}-${name}`)
    .description(description)
    .tags([TAG])
    .time({ from: 'now-1h', to: 'now' })
    .refresh('30s')
    .readonly()
    .link(
      new DashboardLinkBuilder(TAG)
        .type(DashboardLinkType.Dashboards)
        .tags([TAG])
        .asDropdown(true)
        .includeVars(true)
        .keepTime(true),
    )
    .withVariable(new DatasourceVariableBuilder('datasource').label('Prometheus').type('prometheus'));
  for (const { label, values } of variables)
    board.withVariable(
      new QueryVariableBuilder(label)
        .query({ query: values, refId: label })
        .datasource(DATA_SOURCE)
        .refresh(VariableRefresh.OnTimeRangeChanged)
        .sort(VariableSort.AlphabeticalAsc)
        .multi(true)
        .includeAll(true)
        .allValue('.*'),
    );
  for (const [row, panels] of Object.entries(rows)) {
    board.withRow(new RowBuilder(row));
    for (const panel of panels) board.withPanel(panel);
  }
  const built = board.build();
  // The builder gives none, and Grafana tells panels apart by them.
  return { ...built, panels: (built.panels ?? []).map((panel, index) => ({ ...panel, id: index + 1 })) };
}

/** What a description adds when the metric has to be switched on. */
export function switchOf({ defaultOn, switch: key }: MetricDescriptor): string {
  return defaultOn ? '' : ` Off by default: \`${key}: on\`.`;
}

/** A legend of what was summed by: attributes, or labels of resources. */
export function legendOf(...keys: readonly string[]): string {
  return keys.map((key) => `{{${key.replaceAll('.', '_')}}}`).join(' ');
}
