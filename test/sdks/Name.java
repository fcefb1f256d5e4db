import io.opentelemetry.sdk.autoconfigure.AutoConfiguredOpenTelemetrySdk;
import io.opentelemetry.sdk.common.CompletableResultCode;
import io.opentelemetry.sdk.trace.data.SpanData;
import io.opentelemetry.sdk.trace.export.SimpleSpanProcessor;
import io.opentelemetry.sdk.trace.export.SpanExporter;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.Collection;

/** Prints the service.name of a span of the SDK for Java as it starts by itself, between two marks. */
public final class Name {
  private Name() {}

  public static void main(String[] arguments) {
    PrintStream out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
    AutoConfiguredOpenTelemetrySdk.builder()
        .addTracerProviderCustomizer(
            (provider, settings) -> provider.addSpanProcessor(SimpleSpanProcessor.create(new Printer(out))))
        .build()
        .getOpenTelemetrySdk()
        .getTracer("name")
        .spanBuilder("name")
        .startSpan()
        .end();
  }

  private record Printer(PrintStream out) implements SpanExporter {
    @Override
    public CompletableResultCode export(Collection<SpanData> spans) {
      spans.forEach(span -> out.println("<" + span.getResource().getAttributes().asMap().entrySet().stream()
          .filter(entry -> entry.getKey().getKey().equals("service.name"))
          .findFirst().orElseThrow().getValue() + ">"));
      return CompletableResultCode.ofSuccess();
    }

    @Override
    public CompletableResultCode flush() {
      return CompletableResultCode.ofSuccess();
    }

    @Override
    public CompletableResultCode shutdown() {
      return CompletableResultCode.ofSuccess();
    }
  }
}
