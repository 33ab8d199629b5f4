import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;

/**
 * Every way in which Java starts a program: Spawn METHOD TARGET MARKER. How the JVM does it (POSIX_SPAWN, VFORK, FORK)
 * is set by jdk.lang.Process.launchMechanism from outside.
 */
public class Spawn {
    static final Map<String, Callable<Process>> METHODS = new LinkedHashMap<>();
    static String target = "", marker = "";

    static {
        METHODS.put("exec-array", () -> Runtime.getRuntime().exec(new String[] {target, marker}));
        METHODS.put("exec-string", () -> Runtime.getRuntime().exec(target + " " + marker));
        METHODS.put("exec-env", () -> Runtime.getRuntime().exec(new String[] {target, marker}, new String[0]));
        METHODS.put("ProcessBuilder", () -> new ProcessBuilder(target, marker).start());
        METHODS.put("ProcessBuilder-inheritIO", () -> new ProcessBuilder(target, marker).inheritIO().start());
        METHODS.put("ProcessBuilder-env", Spawn::withoutEnvironment);
        METHODS.put("ProcessBuilder-shell", () -> new ProcessBuilder("/bin/sh", "-c", target + " " + marker).start());
        METHODS.put("startPipeline", Spawn::pipeline);
        METHODS.put("thread", Spawn::inThread);
    }

    static Process withoutEnvironment() throws IOException {
        ProcessBuilder b = new ProcessBuilder(target, marker).directory(Path.of("/").toFile());
        b.environment().clear();
        return b.start();
    }

    static Process pipeline() throws IOException {
        var both = List.of(new ProcessBuilder(target, marker), new ProcessBuilder("/bin/cat"));
        List<Process> started = ProcessBuilder.startPipeline(both);
        return started.get(1);
    }

    static Process inThread() throws Exception {
        Process[] p = new Process[1];
        Exception[] failed = new Exception[1];
        Thread t = new Thread(() -> {
            try {
                p[0] = new ProcessBuilder(target, marker).start();
            } catch (IOException e) {
                failed[0] = e;
            }
        });
        t.start();
        t.join();
        if (failed[0] != null) {
            throw failed[0];
        }
        return p[0];
    }

    static void drop() throws IOException {
        String from = System.getenv("DROP_FROM");
        if (from == null) {
            return;
        }
        Files.copy(Path.of(from), Path.of(target), StandardCopyOption.REPLACE_EXISTING);
        boolean runs = !"644".equals(System.getenv("DROP_MODE"));
        Files.setPosixFilePermissions(
                Path.of(target), PosixFilePermissions.fromString(runs ? "rwxr-xr-x" : "rw-r--r--"));
    }

    public static void main(String[] args) throws Exception {
        if (args[0].equals("list")) {
            METHODS.keySet().forEach(System.out::println);
            return;
        }
        target = args[1];
        marker = args[2];
        drop();
        try {
            Process p = METHODS.get(args[0]).call();
            System.out.print(new String(p.getInputStream().readAllBytes()));
            System.out.print(new String(p.getErrorStream().readAllBytes()));
            System.out.println("status " + p.waitFor());
        } catch (IOException e) {
            System.out.println(e.getMessage());
        }
    }
}
