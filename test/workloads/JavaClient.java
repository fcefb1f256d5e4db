import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;

/** JavaClient PORT THREADS VALUE...: one HttpClient, and so many threads that share a POST for each `traceparent` value. */
class JavaClient {
    public static void main(String[] args) throws Exception {
        var uri = URI.create("http://127.0.0.1:" + args[0] + "/a");
        // As it is made by default, it asks with each request to go on in HTTP/2.
        var client = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
        var threads = Executors.newFixedThreadPool(Integer.parseInt(args[1]));
        for (int i = 2; i < args.length; i++) {
            var body = HttpRequest.BodyPublishers.ofString("b".repeat(1_000));
            var request = HttpRequest.newBuilder(uri).header("traceparent", args[i]).POST(body).build();
            threads.execute(() -> {
                try {
                    client.send(request, BodyHandlers.ofString());
                } catch (Exception error) {
                    error.printStackTrace();
                    System.exit(1);
                }
            });
        }
        threads.shutdown();
        threads.awaitTermination(30, TimeUnit.SECONDS);
    }
}
