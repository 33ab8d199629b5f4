package lambda

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"thimble/internal/lambda/sandbox"
)

// AWS's own clients must find the runtime API and the layout as they know them, unchanged.

// clientsFrom is where scripts/test-clients puts them.
const clientsFrom = "../../.cache/clients/"

func awsClient(t *testing.T, cfg Config, folder string) Config {
	t.Helper()
	if _, err := os.Stat(clientsFrom + folder + "/.version"); err != nil {
		unable(t, "AWS's client for %s is not there: run scripts/test-clients", cfg.Runtime)
	}
	cfg.Client = "aws"
	return cfg
}

func TestAWSNode(t *testing.T) {
	checkColdWarmError(t, awsClient(t, node("handler"), "node"), awsClient(t, node("failure"), "node"), "{}", "TypeError")
	checkStreaming(t, awsClient(t, node("streaming"), "node"))
}

func TestAWSNodePrivateNetwork(t *testing.T) {
	cfg := awsClient(t, node("handler"), "node")
	cfg.Network, cfg.UserNS = "none", true
	checkColdWarmError(t, cfg, cfgWith(cfg, func(c *Config) { c.Handler = "index.failure" }), "{}", "TypeError")
}

func TestAWSPython(t *testing.T) {
	checkColdWarmError(t, awsClient(t, python("handler"), "python"), awsClient(t, python("failure"), "python"), "{}", "ValueError")
}

func TestAWSClientByFolder(t *testing.T) {
	awsClient(t, node("handler"), "node")
	fn := newFunction(t, cfgWith(node("handler"), func(c *Config) { c.Client = clientsFrom + "node" }))
	succeed[greeting](t, fn, `{"name":"Ada"}`)
	if !strings.HasSuffix(fn.lang.client.source, "node_modules/aws-lambda-ric") {
		t.Errorf("the client is %q", fn.lang.client.source)
	}
}

// TestAWSInitError: AWS's clients report a failed init and end.
func TestAWSInitError(t *testing.T) {
	for folder, want := range map[string]string{"node": "Runtime.ImportModuleError", "python": "Runtime.ImportModuleError"} {
		dir := t.TempDir()
		cfg := Config{Runtime: "nodejs", Handler: "app.handler", Code: dir}
		writeFile(t, filepath.Join(dir, "app.js"), "require('nothing')\n", 0o644)
		if folder == "python" {
			cfg.Runtime = "python3"
			writeFile(t, filepath.Join(dir, "app.py"), "import nothing_of_that_name\n", 0o644)
		}
		res := invoke(t, newFunction(t, awsClient(t, cfg, folder)), "{}")
		if res.Error == nil || res.Error.Type != want {
			t.Errorf("%s: got %v, want %s", folder, res.Error, want)
		}
	}
}

func TestAWSJava(t *testing.T) {
	cfg := awsClient(t, Config{Runtime: "java", Handler: "example.Handler::handle"}, "java")
	cfg.Code = compileJava(t)
	checkColdWarmError(t, cfg, cfg, `{"fail":true}`, "java.lang.IllegalStateException")
}

func compileJava(t *testing.T) string {
	t.Helper()
	javac, err := exec.LookPath("javac")
	if err != nil {
		unable(t, "no javac: install a JDK")
	}
	dir := t.TempDir()
	jars, err := filepath.Glob(clientsFrom + "java/*.jar")
	if err != nil || len(jars) == 0 {
		t.Fatalf("no jars in %s: %v", clientsFrom, err)
	}
	cmd := exec.Command(javac, "-cp", strings.Join(jars, ":"), "-d", dir, functions+"java/example/Handler.java")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("compile the handler: %v\n%s", err, out)
	}
	return dir
}

// TestAWSGo runs a Go function with AWS's client as a provided runtime.
func TestAWSGo(t *testing.T) {
	if err := sandbox.Available(); err != nil {
		unable(t, "%v", err)
	}
	dir := t.TempDir()
	cmd := exec.Command("go", "build", "-o", filepath.Join(dir, "bootstrap"), ".")
	cmd.Dir = functions + "go"
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=-mod=mod")
	if out, err := cmd.CombinedOutput(); err != nil {
		unable(t, "build the Go function (run scripts/test-clients for its modules): %v\n%s", err, out)
	}
	cfg := Config{Runtime: "provided.al2023", Code: dir}
	checkColdWarmError(t, cfg, cfg, `{"fail":true}`, "errorString")
	res := invoke(t, newFunction(t, cfg), `{"exit":5}`)
	if res.Error == nil || res.Error.Type != "Runtime.ExitError" || !strings.HasSuffix(res.Error.Message, "exit status 5") {
		t.Errorf("got %v", res.Error)
	}
}
