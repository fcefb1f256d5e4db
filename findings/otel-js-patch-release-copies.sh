#!/usr/bin/env bash
# What: OpenTelemetry JS released 3.1.1 / 0.301.1 of its core and OTLP base packages, but not of the OTLP exporters, whose newest on
#   2026-11-30 was 0.301.0, with exact versions of what they need. Whoever takes the newest of each has the shared packages twice.
# Seen: @opentelemetry/exporter-trace-otlp-grpc 0.301.0 beside sdk-metrics, sdk-logs and otlp-transformer of 3.1.1 / 0.301.1 (npm): six
#   packages twice; beside 3.1.0 / 0.301.0: none.
# Why it matters here: the agent loaded 180 files more at each start. It now has the versions that the exporter names.
# Needs Node and npm.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

# Prints the OpenTelemetry packages that are there more than once, after an install of the exporter beside these versions.
copies() {
  rm -rf "$folder/project"
  mkdir "$folder/project"
  cd "$folder/project"
  npm init -y > /dev/null
  npm install --ignore-scripts --no-audit --no-fund --silent @opentelemetry/api@1.10.0 \
    @opentelemetry/exporter-trace-otlp-grpc@0.301.0 "@opentelemetry/sdk-metrics@$1" "@opentelemetry/sdk-logs@$1" "@opentelemetry/otlp-transformer@$2"
  find node_modules -path '*/@opentelemetry/*/package.json' -not -path '*/dist/*' -exec dirname {} \; |
    awk -F/ '{ print $(NF - 1) "/" $NF }' | sort | uniq -d
}

newest=$(copies 3.1.1 0.301.1)
same=$(copies 3.1.0 0.301.0)
echo "twice beside 3.1.1:" $newest
echo "twice beside 3.1.0:" ${same:-none}
[ "$(wc -w <<< "$newest")" -eq 6 ] && [ -z "$same" ]
