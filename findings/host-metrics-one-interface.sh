#!/usr/bin/env bash
# What: the network traffic of a host is that of one of its interfaces for the Node instrumentation of hosts.
#   @opentelemetry/instrumentation-host-metrics 0.7.0 with systeminformation 5.33.26. getNetworkData() asks networkStats() without a name,
#   and that means the interface of the default route; "*" would mean all. Errors and drops are of that one as well. Each point has its
#   interface as an attribute, so it looks as if there were no other; when the default route moves, another one takes its place.
#   opentelemetry-instrumentation-system-metrics 0.66b2, for Python, tells all of them.
# Seen: 10 kB by the interface with the default route, 1 MB by another; then the route goes by the other one. system.network.io of Node:
#   10,420 bytes in one series, then 1,042,000 in another. Python and the kernel: both interfaces, both times.
# Why it matters here: traffic to a storage network, a VPN or pods is in wirespan's bytes and in no metric of the host beside them.
# Needs root, iproute2, util-linux, Node and Python 3.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y > /dev/null
npm install --silent --ignore-scripts --no-audit --no-fund \
  @opentelemetry/api@1.10.0 @opentelemetry/sdk-metrics@3.1.1 @opentelemetry/instrumentation-host-metrics@0.7.0 systeminformation@5.33.26
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check \
  opentelemetry-sdk==1.45.2 opentelemetry-instrumentation-system-metrics==0.66b2 psutil==7.2.2
cat > host.cjs <<'JS'
const { HostMetricsInstrumentation } = require('@opentelemetry/instrumentation-host-metrics');
const {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} = require('@opentelemetry/sdk-metrics');

const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 1e9, exportTimeoutMillis: 1e9 });
const provider = new MeterProvider({ readers: [reader] });
const instrumentation = new HostMetricsInstrumentation({ metricGroups: ['system.network'] });
instrumentation.setMeterProvider(provider);
instrumentation.enable();
provider.forceFlush().then(() => {
  const { metrics } = exporter.getMetrics()[0].scopeMetrics[0];
  for (const { attributes, value } of metrics.find(({ descriptor }) => descriptor.name === 'system.network.io').dataPoints)
    if (attributes['network.io.direction'] === 'transmit') console.log(`  node: ${attributes['system.device']} ${value}`);
  process.exit();
});
JS
cat > host.py <<'PY'
from opentelemetry.instrumentation.system_metrics import SystemMetricsInstrumentor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader

reader = InMemoryMetricReader()
instrumentor = SystemMetricsInstrumentor(config={"system.network.io": ["transmit", "receive"]})
instrumentor.instrument(meter_provider=MeterProvider([reader]))
for point in reader.get_metrics_data().resource_metrics[0].scope_metrics[0].metrics[0].data.data_points:
    if point.attributes["direction"] == "transmit" and point.attributes["device"] in ("front", "store"):
        print("  python:", point.attributes["device"], point.value)
PY
cat > host.sh <<'SH'
# In a network namespace of its own, with a /sys that shows it. Nothing is sent but what is sent below.
set -euo pipefail
mount -t sysfs sysfs /sys
echo 1 > /proc/sys/net/ipv6/conf/all/disable_ipv6
echo 1 > /proc/sys/net/ipv6/conf/default/disable_ipv6
for interface in front:192.0.2 store:198.51.100; do
  name=${interface%:*} network=${interface#*:}
  ip link add "$name" type veth peer name "$name-peer"
  ip link set "$name-peer" up
  ip link set "$name" up
  ip address add "$network.1/24" dev "$name"
  ip neighbour replace "$network.2" lladdr 02:00:00:00:00:02 dev "$name"
done
ip route add default via 192.0.2.2
python3 - <<'PY'
import socket

with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
    for address, count in ("192.0.2.2", 10), ("198.51.100.2", 1000):
        for _ in range(count):
            sender.sendto(bytes(1000), (address, 9))
PY
show() {
  for name in front store; do
    echo "  kernel: $name $(cat /sys/class/net/$name/statistics/tx_bytes)"
  done
  venv/bin/python host.py
  node host.cjs
}
echo 'default route by front'
show
ip route replace default via 198.51.100.2
echo 'default route by store'
show
SH
unshare --net --mount bash host.sh | tee seen
diff seen - <<'SEEN'
default route by front
  kernel: front 10420
  kernel: store 1042000
  python: front 10420
  python: store 1042000
  node: front 10420
default route by store
  kernel: front 10420
  kernel: store 1042000
  python: front 10420
  python: store 1042000
  node: store 1042000
SEEN
