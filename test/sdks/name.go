// Prints the service.name of a span of the SDK for Go as it starts by itself, as JSON.
package main

import (
	"context"
	"encoding/json"
	"fmt"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

func main() {
	_, span := sdktrace.NewTracerProvider().Tracer("name").Start(context.Background(), "name")
	for _, attribute := range span.(sdktrace.ReadOnlySpan).Resource().Attributes() {
		if attribute.Key == "service.name" {
			text, _ := json.Marshal(attribute.Value.AsString())
			fmt.Println(string(text))
		}
	}
}
