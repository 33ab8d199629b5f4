package example;

import com.amazonaws.services.lambda.runtime.Context;
import java.util.Map;

/** A small handler in Java, for the tests and the documentation. */
public class Handler {
    private int count;

    /** Greets and says how often this environment has been used. */
    public Map<String, Object> handle(Map<String, Object> event, Context context) {
        count++;
        context.getLogger().log("greeting " + event.get("name") + "\n");
        if (event.containsKey("fail")) {
            throw new IllegalStateException("a failing handler");
        }
        return Map.of("greeting", "Hello, " + event.get("name"), "count", count, "id", context.getAwsRequestId());
    }
}
