import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.Set;
import java.util.UUID;
import software.amazon.awssdk.auth.credentials.DefaultCredentialsProvider;
import software.amazon.awssdk.http.ContentStreamProvider;
import software.amazon.awssdk.http.SdkHttpMethod;
import software.amazon.awssdk.http.SdkHttpRequest;
import software.amazon.awssdk.http.auth.aws.signer.AwsV4HttpSigner;

/** Appends one event, signed by the AWS SDK for Java 2: mvn -q compile exec:java. */
public final class Append {
  /** Headers that the HTTP client of the JDK writes itself. */
  private static final Set<String> OWN_HEADERS = Set.of("host", "content-length");

  public static void main(String[] args) throws Exception {
    var url = URI.create(System.getenv("SEALTRAIL_ENDPOINT") + "/v1/trails/examples/events");
    var event = "{\"type\":\"invoice.paid\",\"actor\":{\"id\":\"billing\",\"type\":\"service\"},\"details\":{\"total\":12}}";
    var body = ContentStreamProvider.fromUtf8String(event);
    var request =
        SdkHttpRequest.builder()
            .method(SdkHttpMethod.POST)
            .uri(url)
            .putHeader("Content-Type", "application/json")
            // The same key gives the same receipt: keep it for retries.
            .putHeader("Idempotency-Key", UUID.randomUUID().toString())
            .build();

    var region = System.getenv().getOrDefault("AWS_REGION", "us-east-1");
    var identity = DefaultCredentialsProvider.builder().build().resolveCredentials();
    var signed =
        AwsV4HttpSigner.create()
            .sign(
                sign ->
                    sign.identity(identity)
                        .request(request)
                        .payload(body)
                        .putProperty(AwsV4HttpSigner.SERVICE_SIGNING_NAME, "execute-api")
                        .putProperty(AwsV4HttpSigner.REGION_NAME, region));

    var post = HttpRequest.newBuilder(url).POST(HttpRequest.BodyPublishers.ofString(event));
    signed.request().forEachHeader(
        (name, values) -> {
          if (!OWN_HEADERS.contains(name.toLowerCase())) values.forEach(value -> post.header(name, value));
        });
    var response = HttpClient.newHttpClient().send(post.build(), HttpResponse.BodyHandlers.ofString());
    if (response.statusCode() / 100 != 2) throw new IllegalStateException(response.statusCode() + " " + response.body());
    System.out.println(response.body());
  }
}
