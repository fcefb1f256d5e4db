"""Prints the service.name of a span of the SDK for Python as it starts by itself, as JSON."""

import json

from opentelemetry.sdk.trace import TracerProvider

span = TracerProvider().get_tracer("name").start_span("name")
print(json.dumps(span.resource.attributes["service.name"]))
