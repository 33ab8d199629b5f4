package lambda

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"thimble/internal/lambda/sandbox"
)

const functions = "../../examples/functions/"

// unable skips loudly, and fails where nothing may be missing.
func unable(t *testing.T, format string, a ...any) {
	t.Helper()
	if os.Getenv("THIMBLE_TEST_STRICT") == "1" {
		t.Fatalf(format, a...)
	}
	t.Skipf("NOT TESTED: "+format, a...)
}

// newFunction makes a function for a test. A machine may lack the sandbox or the runtime.
func newFunction(t *testing.T, cfg Config) *Function {
	t.Helper()
	if _, err := findLanguage(cfg.Runtime); err != nil {
		unable(t, "%v", err)
	}
	if !cfg.NoSandbox {
		if err := sandbox.Available(); err != nil {
			unable(t, "%v", err)
		}
	}
	setDefault(&cfg.Timeout, 20*time.Second) // the machine may be busy
	setDefault(&cfg.InitTimeout, 60*time.Second)
	fn, err := New(cfg)
	if err != nil {
		t.Fatalf("make the function: %v", err)
	}
	t.Cleanup(func() { fn.Close() })
	return fn
}

func node(handler string) Config {
	return Config{Runtime: "nodejs", Handler: "index." + handler, Code: functions + "node"}
}

func python(handler string) Config {
	return Config{Runtime: "python3", Handler: "app." + handler, Code: functions + "python"}
}

// invoke invokes and expects the platform to have done its part.
func invoke(t *testing.T, fn *Function, event string) *Result {
	t.Helper()
	res, err := fn.Invoke(context.Background(), []byte(event))
	if err != nil {
		t.Fatalf("invoke: %v", err)
	}
	return res
}

// succeed invokes and decodes the response.
func succeed[T any](t *testing.T, fn *Function, event string) (T, *Result) {
	t.Helper()
	res := invoke(t, fn, event)
	if res.Error != nil {
		t.Fatalf("invoke with %s: %v; log %q", event, res.Error, res.Log)
	}
	var v T
	if err := json.Unmarshal(res.Response, &v); err != nil {
		t.Fatalf("response %q: %v", res.Response, err)
	}
	return v, res
}

// greeting is what every example's handler answers.
type greeting struct {
	Greeting string
	Count    int
}

// checkColdWarmError is what holds for every runtime and client: a cold start, a warm invocation, an error that is
// reported, and a warm invocation after it.
func checkColdWarmError(t *testing.T, cfg Config, failing Config, failEvent, wantType string) {
	t.Helper()
	fn := newFunction(t, cfg)
	for count := 1; count <= 2; count++ {
		got, res := succeed[greeting](t, fn, `{"name":"Ada"}`)
		if want := (greeting{"Hello, Ada", count}); got != want {
			t.Errorf("got %+v, want %+v", got, want)
		}
		if cold := count == 1; res.Cold != cold || (res.Timings.Init > 0) != cold || res.Timings.Duration <= 0 {
			t.Errorf("invocation %d: cold %v, timings %+v", count, res.Cold, res.Timings)
		}
		if log := strings.Join(res.Log, "\n"); !strings.Contains(log, "greeting Ada") {
			t.Errorf("invocation %d: the log is %q", count, log)
		}
	}
	if failing.Handler != cfg.Handler {
		fn = newFunction(t, failing)
	}
	for range 2 {
		res := invoke(t, fn, failEvent)
		if res.Error == nil || res.Error.Type != wantType || !strings.Contains(res.Error.Message, "a failing handler") {
			t.Errorf("got %v, want %s", res.Error, wantType)
		}
	}
	if fn.env == nil {
		t.Error("an error of the handler ended the environment")
	}
}

func TestNode(t *testing.T) {
	checkColdWarmError(t, node("handler"), node("failure"), "{}", "TypeError")
}
func TestPython(t *testing.T) {
	checkColdWarmError(t, python("handler"), python("failure"), "{}", "ValueError")
}

func TestRuby(t *testing.T) {
	ruby := Config{Runtime: "ruby", Handler: "app.handler", Code: functions + "ruby"}
	failing := ruby
	failing.Handler = "app.failure"
	checkColdWarmError(t, ruby, failing, "{}", "Function<ArgumentError>")
}

func TestProvided(t *testing.T) {
	fn := newFunction(t, Config{Runtime: "provided.al2023", Handler: "mine", Code: functions + "provided"})
	for count := 1; count <= 2; count++ {
		res := invoke(t, fn, `{"a":1}`)
		want := fmt.Sprintf(`{"count":%d,"handler":"mine","event":{"a":1}}`, count)
		if string(res.Response) != want || !slices.Equal(res.Log, []string{`event {"a":1}`}) {
			t.Errorf("got %s, %v and log %q, want %s", res.Response, res.Error, res.Log, want)
		}
	}
	if res := invoke(t, fn, `"fail"`); res.Error == nil || res.Error.Type != "Shell.Error" {
		t.Errorf("got %v, want Shell.Error", res.Error)
	}
}

func TestUserNamespace(t *testing.T) {
	cfg := node("handler")
	cfg.UserNS = true
	checkColdWarmError(t, cfg, cfgWith(node("failure"), func(c *Config) { c.UserNS = true }), "{}", "TypeError")
}

func TestPrivateNetwork(t *testing.T) {
	private := func(c *Config) { c.Network = "none" }
	checkColdWarmError(t, cfgWith(python("handler"), private), cfgWith(python("failure"), private), "{}", "ValueError")
}

func TestNoSandbox(t *testing.T) {
	plain := func(c *Config) { c.NoSandbox = true }
	checkColdWarmError(t, cfgWith(node("handler"), plain), cfgWith(node("failure"), plain), "{}", "TypeError")
	checkColdWarmError(t, cfgWith(python("handler"), plain), cfgWith(python("failure"), plain), "{}", "ValueError")
}

func cfgWith(cfg Config, change func(*Config)) Config {
	change(&cfg)
	return cfg
}

func TestNodeCallback(t *testing.T) {
	fn := newFunction(t, node("callback"))
	got, res := succeed[struct {
		ID   string
		Left float64
	}](t, fn, "{}")
	if got.ID != res.RequestID || got.Left <= 0 || got.Left > 20000 {
		t.Errorf("got %+v, want the request's ID %s and the time that is left", got, res.RequestID)
	}
}

func TestNodeStreaming(t *testing.T) { checkStreaming(t, node("streaming")) }

func checkStreaming(t *testing.T, cfg Config) {
	t.Helper()
	fn := newFunction(t, cfg)
	for range 2 {
		res := invoke(t, fn, "{}")
		if string(res.Response) != "one two three" || !res.Streamed || res.ContentType != "text/plain" || res.Error != nil {
			t.Errorf("got %q (%s, streamed %v), %v", res.Response, res.ContentType, res.Streamed, res.Error)
		}
	}
	res := invoke(t, fn, `{"fail":true}`)
	if string(res.Response) != "one " || res.Error == nil || res.Error.Type != "RangeError" || !strings.Contains(res.Error.Message, "broke") {
		t.Errorf("broken half-way: got %q and %v", res.Response, res.Error)
	}
}

func writeFile(t *testing.T, path, text string, mode os.FileMode) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
}

func TestEnvironment(t *testing.T) {
	for _, cfg := range []Config{node("environment"), python("environment")} {
		cfg.Name, cfg.Memory, cfg.Env = "convert", 512, []string{"MINE=1", "AWS_REGION=eu-west-1"}
		fn := newFunction(t, cfg)
		got, _ := succeed[map[string]string](t, fn, "{}")
		want := map[string]string{
			"AWS_LAMBDA_FUNCTION_NAME": "convert", "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512",
			"AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/convert", "AWS_REGION": "eu-west-1", "AWS_DEFAULT_REGION": "eu-west-1",
			"AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand", "_HANDLER": cfg.Handler, "LAMBDA_TASK_ROOT": "/var/task",
			"LAMBDA_RUNTIME_DIR": "/var/runtime", "TZ": ":UTC", "LANG": "en_US.UTF-8", "MINE": "1",
			"PATH":            "/var/lang/bin:/usr/local/bin:/usr/bin/:/bin:/opt/bin",
			"LD_LIBRARY_PATH": "/var/lang/lib:/lib64:/usr/lib64:/var/runtime:/var/runtime/lib:/var/task:/var/task/lib:/opt/lib",
		}
		for name, value := range want {
			if got[name] != value {
				t.Errorf("%s: %s: got %q, want %q", cfg.Runtime, name, got[name], value)
			}
		}
		checkMadeUp(t, got)
		for _, name := range []string{"HOME", "THIMBLE_POLICY", "LD_PRELOAD"} {
			if value, there := got[name]; there {
				t.Errorf("%s: %s=%q is there", cfg.Runtime, name, value)
			}
		}
	}
}

// checkMadeUp looks at the variables of which only the form is known.
func checkMadeUp(t *testing.T, got map[string]string) {
	t.Helper()
	for name, form := range map[string]struct {
		prefix string
		length int
	}{
		"AWS_ACCESS_KEY_ID":          {"ASIA", 20},
		"AWS_SECRET_ACCESS_KEY":      {"", 40},
		"AWS_SESSION_TOKEN":          {"IQoJb3JpZ2luX2VjE", 337},
		"AWS_LAMBDA_RUNTIME_API":     {"127.0.0.1:", -1},
		"AWS_EXECUTION_ENV":          {"AWS_Lambda_", -1},
		"_X_AMZN_TRACE_ID":           {"Root=1-", -1},
		"AWS_LAMBDA_LOG_STREAM_NAME": {"20", len("2026/11/23/[$LATEST]") + 32},
	} {
		value := got[name]
		if !strings.HasPrefix(value, form.prefix) || form.length >= 0 && len(value) != form.length {
			t.Errorf("%s=%q: want %d bytes that begin with %q", name, value, form.length, form.prefix)
		}
	}
}

func TestCredentialsCanBeGiven(t *testing.T) {
	fn := newFunction(t, cfgWith(python("environment"), func(c *Config) { c.Env = []string{"AWS_ACCESS_KEY_ID=AKIA"} }))
	if got, _ := succeed[map[string]string](t, fn, "{}"); got["AWS_ACCESS_KEY_ID"] != "AKIA" {
		t.Errorf("got %q", got["AWS_ACCESS_KEY_ID"])
	}
}

func TestZipAndLayers(t *testing.T) {
	code := writeZip(t, zipFile{"app.py", 0o644,
		"import own, shared\ndef handler(e, c): return [own.who, shared.who, open('/opt/data').read(), own.__file__]\n"},
		zipFile{"own.py", 0o644, "who = 'code'\n"})
	first := writeZip(t, zipFile{"python/shared.py", 0o644, "who = 'first'\n"}, zipFile{"python/own.py", 0o644, "who = 'layer'\n"},
		zipFile{"data", 0o644, "first"})
	second := writeZip(t, zipFile{"data", 0o644, "second"})
	for _, layers := range [][]string{{first, second}, {second, first}} {
		fn := newFunction(t, Config{Runtime: "python3", Handler: "app.handler", Code: code, Layers: layers})
		got, _ := succeed[[]string](t, fn, "{}")
		last := "second"
		if layers[1] == first {
			last = "first"
		}
		if want := []string{"code", "first", last, "/var/task/own.py"}; !slices.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestExecWrapper(t *testing.T) {
	layer := writeZip(t,
		zipFile{"wrapper", 0o755, "#!/bin/sh\nexport WRAPPED=\"$1 $2\"\nexec \"$@\"\n"},
		zipFile{"closed", 0o644, "#!/bin/sh\n"})
	tests := []struct{ path, wantType, wantText string }{
		{"/opt/wrapper", "", ""},
		{"/opt/missing", "Runtime.ExitError", "exit status 127"},
		{"/opt/closed", "Runtime.ExitError", "exit status 126"},
	}
	for _, tt := range tests {
		cfg := cfgWith(python("environment"), func(c *Config) {
			c.Layers, c.Env = []string{layer}, []string{"AWS_LAMBDA_EXEC_WRAPPER=" + tt.path}
		})
		res := invoke(t, newFunction(t, cfg), "{}")
		if tt.wantType == "" {
			var got map[string]string
			if err := json.Unmarshal(res.Response, &got); err != nil || !strings.HasPrefix(got["WRAPPED"], "/var/lang/bin/python3") {
				t.Errorf("%s: got %q, %v, %v", tt.path, got["WRAPPED"], res.Error, err)
			}
			continue
		}
		if res.Error == nil || res.Error.Type != tt.wantType || !strings.HasSuffix(res.Error.Message, tt.wantText) {
			t.Errorf("%s: got %v, want %s %s", tt.path, res.Error, tt.wantType, tt.wantText)
		}
	}
}

func TestProvidedIgnoresTheExecWrapper(t *testing.T) {
	fn := newFunction(t, Config{Runtime: "provided", Code: functions + "provided", Env: []string{"AWS_LAMBDA_EXEC_WRAPPER=/missing"}})
	if res := invoke(t, fn, "1"); res.Error != nil {
		t.Errorf("got %v", res.Error)
	}
}

// TestEventLines: what a preloaded library writes to stderr is told from the function's log. A function that writes
// such lines stands in for it.
func TestEventLines(t *testing.T) {
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "app.py"), `import os, sys
os.write(2, b'{"thimble":1,"control":"start"}\n')
def handler(e, c):
    os.write(2, b"begun ")
    os.write(2, b'{"thimble":1,"control":"exec"}\n')
    os.write(2, b"and ended\n")
`, 0o644)
	fn := newFunction(t, Config{Runtime: "python3", Handler: "app.handler", Code: dir})
	for i, wantEvents := range []string{`{"thimble":1,"control":"start"} {"thimble":1,"control":"exec"}`, `{"thimble":1,"control":"exec"}`} {
		res := invoke(t, fn, "{}")
		var events []string
		for _, e := range res.Events {
			events = append(events, string(e))
		}
		if got := strings.Join(events, " "); got != wantEvents || !slices.Equal(res.Log, []string{"begun and ended"}) {
			t.Errorf("invocation %d: got events %s and log %q, want %s", i, got, res.Log, wantEvents)
		}
	}
}

func TestPlacesOfTheEnforcer(t *testing.T) {
	library := filepath.Join(t.TempDir(), "any-name.so")
	writeFile(t, library, "library", 0o600)
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "app.py"), `import os
def handler(e, c):
    seen = [os.environ["LD_PRELOAD"], os.environ["THIMBLE_POLICY"]]
    for path in ["/opt/thimble/libthimble.so", "/opt/thimble/policy"]:
        seen += [open(path).read(), oct(os.stat(path).st_mode & 0o777)]
        try:
            os.remove(path)
        except OSError as err:
            seen.append(err.strerror)
    return seen
`, 0o644)
	for _, direct := range []bool{false, true} {
		fn := newFunction(t, Config{
			Runtime: "python3", Handler: "app.handler", Code: dir, Direct: direct,
			Preload: library, PolicyBlob: []byte("policy"), Env: []string{"LD_PRELOAD=/other.so"},
		})
		got, _ := succeed[[]string](t, fn, "{}")
		want := []string{
			"/opt/thimble/libthimble.so:/other.so", "/opt/thimble/policy",
			"library", "0o755", "Read-only file system", "policy", "0o644", "Read-only file system",
		}
		if !slices.Equal(got, want) {
			t.Errorf("direct %v: got %q, want %q", direct, got, want)
		}
	}
}
