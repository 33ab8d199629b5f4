package lambda

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
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

func TestTimeout(t *testing.T) {
	for _, cfg := range []Config{node("sleep"), python("sleep")} {
		cfg.Timeout = 300 * time.Millisecond
		fn := newFunction(t, cfg)
		for range 2 { // each is a cold start: the environment before it was ended
			res := invoke(t, fn, `{"ms":60000}`)
			want := "Sandbox.Timedout: RequestId: " + res.RequestID + " Error: Task timed out after 0.30 seconds"
			if res.Error == nil || res.Error.Error() != want || !res.Cold {
				t.Errorf("%s: got %v (cold %v), want %s", cfg.Runtime, res.Error, res.Cold, want)
			}
		}
	}
}

func TestInitTimeout(t *testing.T) {
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "app.py"), "import time\ntime.sleep(60)\n", 0o644)
	fn := newFunction(t, Config{Runtime: "python3", Handler: "app.handler", Code: dir, InitTimeout: 300 * time.Millisecond})
	res := invoke(t, fn, "{}")
	if res.Error == nil || res.Error.Type != "Sandbox.Timedout" || !strings.HasSuffix(res.Error.Message, "after 0.30 seconds") {
		t.Errorf("got %v", res.Error)
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

func TestExit(t *testing.T) {
	tests := []struct {
		name  string
		cfg   Config
		event string
		want  string
	}{
		{"status", node("exit"), `{"status":3}`, "Runtime exited with error: exit status 3"},
		{"success", node("exit"), `{"status":0}`, "Runtime exited without providing a reason"},
		{"status in Python", python("leave"), `{"status":4}`, "Runtime exited with error: exit status 4"},
		{"signal", python("shell"), `{"program":"/bin/sh","args":["-c","kill -SEGV $PPID"]}`, "Runtime exited with error: signal: segmentation fault"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			fn := newFunction(t, tt.cfg)
			for range 2 {
				res := invoke(t, fn, tt.event)
				want := "Runtime.ExitError: RequestId: " + res.RequestID + " Error: " + tt.want
				if res.Error == nil || res.Error.Error() != want || !res.Cold {
					t.Errorf("got %v (cold %v), want %s", res.Error, res.Cold, want)
				}
			}
		})
	}
}

func TestInitErrors(t *testing.T) {
	tests := []struct {
		name, runtime, file, text, handler, want string
	}{
		{"missing import", "python3", "app.py", "import nothing_of_that_name\n", "app.handler", "Runtime.ImportModuleError"},
		{"syntax", "python3", "app.py", "def\n", "app.handler", "Runtime.UserCodeSyntaxError"},
		{"no function", "python3", "app.py", "x = 1\n", "app.handler", "Runtime.HandlerNotFound"},
		{"raised", "python3", "app.py", "raise KeyError('x')\n", "app.handler", "KeyError"},
		{"exit", "python3", "app.py", "import os\nprint('leaving', flush=True)\nos._exit(9)\n", "app.handler", "Runtime.ExitError"},
		{"missing require", "nodejs", "index.js", "require('nothing')\n", "index.handler", "Runtime.ImportModuleError"},
		{"syntax", "nodejs", "index.js", "function (\n", "index.handler", "Runtime.UserCodeSyntaxError"},
		{"no function", "nodejs", "index.js", "exports.x = 1\n", "index.handler", "Runtime.HandlerNotFound"},
		{"exit", "nodejs", "index.js", "process.exit(9)\n", "index.handler", "Runtime.ExitError"},
	}
	for _, tt := range tests {
		t.Run(tt.runtime+" "+tt.name, func(t *testing.T) {
			dir := t.TempDir()
			writeFile(t, filepath.Join(dir, tt.file), tt.text, 0o644)
			fn := newFunction(t, Config{Runtime: tt.runtime, Handler: tt.handler, Code: dir})
			res := invoke(t, fn, "{}")
			if res.Error == nil || res.Error.Type != tt.want || !res.Cold {
				t.Errorf("got %v, want %s; log %q", res.Error, tt.want, res.Log)
			}
			if tt.want == "Runtime.ExitError" && !strings.HasSuffix(res.Error.Message, "exit status 9") {
				t.Errorf("got %q", res.Error.Message)
			}
		})
	}
}

func TestModulesAndPaths(t *testing.T) {
	tests := []struct{ name, runtime, file, text, handler string }{
		{"ES module", "nodejs", "index.mjs", "export const handler = async () => 'fine'\n", "index.handler"},
		{"ES module by package.json", "nodejs", "index.js", "export const handler = async () => 'fine'\n", "index.handler"},
		{"in a folder", "nodejs", "src/app.js", "exports.handler = async () => 'fine'\n", "src/app.handler"},
		{"nested export", "nodejs", "index.js", "exports.api = { handler: async () => 'fine' }\n", "index.api.handler"},
		{"neither promise nor callback", "nodejs", "index.js", "exports.handler = (e, c, done) => { setTimeout(() => done(null, 'fine'), 5) }\n", "index.handler"},
		{"in a package", "python3", "src/app.py", "def handler(e, c): return 'fine'\n", "src.app.handler"},
		{"with a slash", "python3", "src/app.py", "def handler(e, c): return 'fine'\n", "src/app.handler"},
	}
	for _, tt := range tests {
		t.Run(tt.runtime+" "+tt.name, func(t *testing.T) {
			dir := t.TempDir()
			if err := os.MkdirAll(filepath.Join(dir, filepath.Dir(tt.file)), 0o755); err != nil {
				t.Fatal(err)
			}
			writeFile(t, filepath.Join(dir, tt.file), tt.text, 0o644)
			if strings.Contains(tt.name, "package.json") {
				writeFile(t, filepath.Join(dir, "package.json"), `{"type":"module"}`, 0o644)
			}
			fn := newFunction(t, Config{Runtime: tt.runtime, Handler: tt.handler, Code: dir})
			for range 2 {
				if got, _ := succeed[string](t, fn, "{}"); got != "fine" {
					t.Errorf("got %q", got)
				}
			}
		})
	}
}

func TestUnhandledRejection(t *testing.T) {
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "index.js"), "exports.handler = () => { Promise.reject(new Error('lost')) }\n", 0o644)
	fn := newFunction(t, Config{Runtime: "nodejs", Handler: "index.handler", Code: dir})
	res := invoke(t, fn, "{}")
	if res.Error == nil || res.Error.Type != "Runtime.UnhandledPromiseRejection" || res.Error.Message != "lost" {
		t.Errorf("got %v", res.Error)
	}
}

func TestLargeResponse(t *testing.T) {
	fn := newFunction(t, node("large"))
	res := invoke(t, fn, fmt.Sprintf(`{"bytes":%d}`, MaxPayload))
	if res.Error == nil || res.Error.Type != "Function.ResponseSizeTooLarge" {
		t.Errorf("got %v", res.Error)
	}
	if res := invoke(t, fn, fmt.Sprintf(`{"bytes":%d}`, MaxPayload-2)); res.Error != nil || len(res.Response) != MaxPayload || res.Cold {
		t.Errorf("got %d bytes, %v, cold %v", len(res.Response), res.Error, res.Cold)
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

func TestContext(t *testing.T) {
	fn := newFunction(t, node("sleep"))
	ctx, cancel := context.WithTimeout(context.Background(), 500*time.Millisecond)
	defer cancel()
	if _, err := fn.Invoke(ctx, []byte(`{"ms":60000}`)); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, want %v", err, context.DeadlineExceeded)
	}
	if res := invoke(t, fn, `{"ms":1}`); res.Error != nil || !res.Cold {
		t.Errorf("after it: %v, cold %v, want a cold start", res.Error, res.Cold)
	}
}

func TestClose(t *testing.T) {
	tmp := t.TempDir()
	t.Setenv("TMPDIR", tmp)
	fn := newFunction(t, cfgWith(node("handler"), func(c *Config) { c.Layers = []string{writeZip(t, zipFile{"x", 0o400, "x"})} }))
	invoke(t, fn, "{}")
	for range 2 {
		if err := fn.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	}
	if _, err := fn.Invoke(context.Background(), []byte("{}")); !errors.Is(err, ErrClosed) {
		t.Errorf("got %v, want %v", err, ErrClosed)
	}
	left, _ := filepath.Glob(filepath.Join(tmp, "thimble-*"))
	if len(left) != 0 {
		t.Errorf("left behind: %q", left)
	}
}

func TestBadEvents(t *testing.T) {
	fn := newFunction(t, node("handler"))
	for _, event := range []string{"", "{", `{"a":1} x`, `"` + strings.Repeat("x", MaxPayload) + `"`} {
		if res, err := fn.Invoke(context.Background(), []byte(event)); err == nil || res != nil {
			t.Errorf("%.20q: got %v, %v, want an error", event, res, err)
		}
	}
}

func TestNewRefuses(t *testing.T) {
	empty := t.TempDir()
	plain := t.TempDir()
	writeFile(t, filepath.Join(plain, "bootstrap"), "", 0o644)
	tests := map[string]struct {
		cfg  Config
		want string
	}{
		"no runtime":      {Config{Code: empty}, "no runtime given: one of nodejs"},
		"unknown runtime": {Config{Runtime: "cobol", Code: empty}, `unknown runtime "cobol": one of nodejs`},
		"absent version":  {cfgWith(python("handler"), func(c *Config) { c.Runtime = "python3.99" }), `runtime "python3.99" is not on this machine`},
		"no code":         {Config{Runtime: "provided"}, "no code given"},
		"missing code":    {Config{Runtime: "provided", Code: "nowhere"}, `code "nowhere" does not exist`},
		"no bootstrap":    {Config{Runtime: "provided", Code: empty}, "no bootstrap in the code or a layer"},
		"closed":          {Config{Runtime: "provided", Code: plain}, "chmod +x"},
		"no handler":      {Config{Runtime: "python3", Code: empty}, `like "app.handler"`},
		"no file":         {Config{Runtime: "python3", Handler: "app.handler", Code: empty}, `the code has none of app.py`},
		"no function":     {Config{Runtime: "nodejs", Handler: "app", Code: empty}, `handler "app" names no function`},
		"layer":           {cfgWith(node("handler"), func(c *Config) { c.Layers = []string{"nowhere.zip"} }), `layer "nowhere.zip"`},
		"layers":          {cfgWith(node("handler"), func(c *Config) { c.Layers = make([]string, 6) }), "Lambda allows 5"},
		"variable":        {cfgWith(node("handler"), func(c *Config) { c.Env = []string{"X"} }), "want NAME=value"},
		"network":         {cfgWith(node("handler"), func(c *Config) { c.Network = "x" }), "host or none"},
		"timeout":         {cfgWith(node("handler"), func(c *Config) { c.Timeout = time.Hour }), "up to 15m"},
		"client":          {cfgWith(node("handler"), func(c *Config) { c.Client = empty }), "install it there"},
		"enforcer":        {cfgWith(node("handler"), func(c *Config) { c.Preload = "nowhere.so" }), "find the enforcer"},
		"java":            {Config{Runtime: "java", Handler: "x.Y::z", Code: empty}, "no built-in client for java"},
	}
	for _, name := range slices.Sorted(maps.Keys(tests)) {
		tt := tests[name]
		fn, err := New(tt.cfg)
		if err == nil {
			fn.Close()
		}
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want an error with %q", name, err, tt.want)
		}
	}
}
