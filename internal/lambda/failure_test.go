package lambda

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// What goes wrong, in the function and in how it was configured.

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
