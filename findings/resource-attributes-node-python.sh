#!/usr/bin/env bash
# What: the same OTEL_RESOURCE_ATTRIBUTES gives a service in Node and a service in Python different resources.
#   @opentelemetry/resources 3.1.1 and opentelemetry-sdk 1.45.2. The OpenTelemetry specification takes the format of W3C Baggage, where a
#   value may hold '=' (a base64 digest does), and asks to discard the whole variable after an error. Node's SDK
#   calls '=' in a value an error and discards everything; Python's takes it. At a member without '=' Node's
#   discards everything again, Python's the member alone.
# Seen: Node 0 attributes, 3, 0; Python 3, 3, 2 (a '=' inside a value, a plain list, a member without '=').
# Why it matters here: wirespan reads the variable of processes in every language, so its network metrics and one of
#   the two services' own telemetry can be on different resources. The one form that all read alike has %3D for '='.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y > /dev/null
npm install --silent --no-fund --no-audit @opentelemetry/resources@3.1.1 @opentelemetry/api@1.10.0
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check opentelemetry-sdk==1.45.2
cat > read.cjs <<'NODE'
const { detectResources, envDetector } = require('@opentelemetry/resources');
console.log('node', Object.keys(detectResources({ detectors: [envDetector] }).attributes).length);
NODE
cat > read.py <<'PYTHON'
from opentelemetry.sdk.resources import OTELResourceDetector

print("python", len(OTELResourceDetector().detect().attributes))
PYTHON
for list in \
  'service.version=mZ0=,deployment.environment.name=prod,team=net' \
  'service.version=mZ0%3D,deployment.environment.name=prod,team=net' \
  'deployment.environment.name=prod,team,service.version=2'; do
  echo "$list"
  OTEL_RESOURCE_ATTRIBUTES="$list" node read.cjs 2> /dev/null
  OTEL_RESOURCE_ATTRIBUTES="$list" venv/bin/python read.py 2> /dev/null
done | tee seen
diff seen - <<'SEEN'
service.version=mZ0=,deployment.environment.name=prod,team=net
node 0
python 3
service.version=mZ0%3D,deployment.environment.name=prod,team=net
node 3
python 3
deployment.environment.name=prod,team,service.version=2
node 0
python 2
SEEN
