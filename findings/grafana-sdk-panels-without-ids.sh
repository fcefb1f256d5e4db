#!/usr/bin/env bash
# What: dashboards made with Grafana's own builders have panels without an id and queries without a refId.
#   @grafana/grafana-foundation-sdk 0.0.21. Grafana's page numbers both when a person adds a panel; the builders leave both
#   out unless each is set by hand, and say nothing.
# Seen: two panels of two queries each; `id` and `refId` are in none of them, nor a warning.
# Why it matters here: links to one panel (`viewPanel=`), alerts and expressions that name a query refer to exactly these; a
#   dashboard that is provisioned has them only when whoever makes it counts.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes > npm.log 2>&1
npm install --no-audit --no-fund --ignore-scripts @grafana/grafana-foundation-sdk@0.0.21 >> npm.log 2>&1
cat > dashboard.cjs <<'JS'
const { DashboardBuilder } = require('@grafana/grafana-foundation-sdk/dashboard');
const { PanelBuilder } = require('@grafana/grafana-foundation-sdk/timeseries');
const { DataqueryBuilder } = require('@grafana/grafana-foundation-sdk/prometheus');

const panel = (title) =>
  new PanelBuilder()
    .title(title)
    .withTarget(new DataqueryBuilder().expr('up'))
    .withTarget(new DataqueryBuilder().expr('down'));
const dashboard = new DashboardBuilder('one').withPanel(panel('a')).withPanel(panel('b')).build();
for (const { title, id, targets } of JSON.parse(JSON.stringify(dashboard)).panels)
  console.log(`${title}: id ${id}, refIds ${targets.map(({ refId }) => refId)}, ${targets.length} queries`);
JS
node dashboard.cjs 2>&1 | tee seen
diff seen - <<'SEEN'
a: id undefined, refIds ,, 2 queries
b: id undefined, refIds ,, 2 queries
SEEN
