package attacktest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"thimble/enforcer"
	"thimble/internal/compile"
	"thimble/internal/policy"
)

// strict is set in CI: what the machine lacks fails there.
var strict = os.Getenv("THIMBLE_TEST_STRICT") == "1"

// missing skips loudly, or fails.
func missing(t *testing.T, format string, args ...any) {
	t.Helper()
	if strict {
		t.Fatalf(format, args...)
	}
	t.Skipf("NOT TESTED: "+format, args...)
}

// place is the folder of all that ships with the function under test: programs built before it starts.
var place string

// library is libthimble for this machine, in place.
var library string

func TestMain(m *testing.M) {
	os.Exit(inPlace(m))
}

func inPlace(m *testing.M) int {
	dir, err := folderOnRoot()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	if place, err = filepath.EvalSymlinks(dir); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	library = filepath.Join(place, "libthimble.so")
	so, err := enforcer.Library(runtime.GOARCH)
	if err == nil {
		err = os.WriteFile(library, so, 0o755)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}

// folderOnRoot makes a folder where a file can have shipped by its age, with a writable root: on the root's file system,
// and in no folder for temporary files.
func folderOnRoot() (string, error) {
	home, _ := os.UserHomeDir()
	here, _ := os.Getwd()
	for _, parent := range []string{"/var/lib", home, here} {
		if device(parent) != device("/") || strings.HasPrefix(parent+"/", "/tmp/") {
			continue
		}
		if dir, err := os.MkdirTemp(parent, "thimble-attack-"); err == nil {
			return dir, nil
		}
	}
	return "", errors.New("no writable folder on the file system of / besides those for temporary files")
}

func device(name string) uint64 {
	var st syscall.Stat_t
	if syscall.Stat(name, &st) != nil {
		return 0
	}
	return uint64(st.Dev)
}

// zeroConfig is the policy without any choice made: what shipped may run and be loaded, what appeared later may not.
func zeroConfig() policy.Policy {
	return policy.Policy{
		Version:     1,
		Name:        "test",
		Exec:        policy.Exec{Mode: policy.Enforce, Children: policy.ChildrenImage},
		Forbid:      policy.Forbid{Mode: policy.Enforce},
		Tmp:         policy.Tmp{Mode: policy.Enforce, DenyExec: true, DenyLoad: true},
		Memory:      policy.Enforce,
		Credentials: policy.Credentials{Mode: policy.Enforce, Children: policy.CredentialsStrip, DenyEnviron: true},
		Net:         policy.Net{Connect: "any"},
		Seal:        "off",
		OnViolation: "deny",
		Fail:        "open",
		Announce:    true,
	}
}

// blob compiles a policy into a file.
func blob(t *testing.T, p policy.Policy) string {
	t.Helper()
	data, err := compile.Blob([]policy.Policy{p}, noSets)
	if err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp(place, "policy-") // t.TempDir is for its owner alone, and some tests change the user
	if err == nil {
		err = os.Chmod(dir, 0o755)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	name := filepath.Join(dir, "policy")
	if err := os.WriteFile(name, data, 0o644); err != nil {
		t.Fatal(err)
	}
	return name
}

func noSets(string) (compile.Set, bool) { return compile.Set{}, false }

// program is one run of something.
type program struct {
	argv   []string
	env    []string // besides the ordinary environment
	dir    string
	policy string // blob file; "": without the enforcer
	beside string // another library to preload, behind the enforcer
	guest  bool   // an arm64 program, under qemu-user
}

// outcome is what there was to see of a run.
type outcome struct {
	out    string // standard output and error, lines sorted: children and their parents race
	end    string // "exit 0" or "signal killed"
	events []event
}

// event is the part of an event line that the tests look at.
type event struct {
	Thimble int
	Control string
	Action  string
	Rule    string
	Detail  string
	Subject struct {
		Exe, Path string
		Argv      []string
	}
	Uncovered []string
	Policy    string
	Tier      string
}

const searchPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// installed finds a command on the PATH that the programs get, not on the developer's, which may lead to wrappers.
func installed(t *testing.T, name string) string {
	t.Helper()
	for _, dir := range filepath.SplitList(searchPath) {
		if path := filepath.Join(dir, name); exists(path) {
			return path
		}
	}
	missing(t, "%s is not installed in %s", name, searchPath)
	return ""
}

// environment is that of every run: little, and the same with and without the enforcer.
func environment() []string {
	return []string{
		"PATH=" + searchPath,
		"HOME=" + place,
		"LANG=C.UTF-8",
	}
}

func (p program) run(t *testing.T) outcome {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, p.argv[0], p.argv[1:]...)
	cmd.Env = append(environment(), p.env...)
	events := filepath.Join(t.TempDir(), "events")
	if p.guest {
		cmd = guest(ctx, t, p, events)
	} else {
		cmd.Env = append(cmd.Env, p.enforcer(events)...)
	}
	cmd.Dir = p.dir
	cmd.WaitDelay = 5 * time.Second
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatalf("run %q: %v", p.argv, err)
	}
	if ctx.Err() != nil {
		t.Errorf("run %q: hangs", p.argv)
	}
	return outcome{sortLines(out.String()), cmd.ProcessState.String(), readEvents(t, events)}
}

// enforcer is what loads it.
func (p program) enforcer(events string) []string {
	switch {
	case p.policy != "" && p.beside != "":
		return []string{"LD_PRELOAD=" + library + ":" + p.beside, "THIMBLE_POLICY=" + p.policy, "THIMBLE_EVENTS=file:" + events}
	case p.policy != "":
		return []string{"LD_PRELOAD=" + library, "THIMBLE_POLICY=" + p.policy, "THIMBLE_EVENTS=file:" + events}
	case p.beside != "":
		return []string{"LD_PRELOAD=" + p.beside}
	}
	return nil
}

func sortLines(s string) string {
	lines := strings.Split(strings.TrimRight(s, "\n"), "\n")
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// readEvents parses every line: each must be a whole JSON object of bounded size, however many processes wrote at once.
func readEvents(t *testing.T, name string) []event {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		return nil
	}
	var events []event
	for line := range bytes.Lines(data) {
		var e event
		if !bytes.HasPrefix(line, []byte(`{"thimble":`)) || !bytes.HasSuffix(line, []byte("\n")) || len(line) > 2048 {
			t.Errorf("event line of %d bytes: %q", len(line), line)
		}
		if err := json.Unmarshal(line, &e); err != nil {
			t.Errorf("event line %q: %v", line, err)
		}
		events = append(events, e)
	}
	return events
}

// same compares what the program and its caller could see.
func (o outcome) same(t *testing.T, what string, want outcome) {
	t.Helper()
	if o.out != want.out || o.end != want.end {
		t.Errorf("%s: got %s, want %s\nonly with the enforcer:\n%s\nonly without:\n%s", what, o.end, want.end,
			indent(without(o.out, want.out)), indent(without(want.out, o.out)))
	}
}

// without returns the lines of a that b does not have as often.
func without(a, b string) string {
	have := map[string]int{}
	for line := range strings.Lines(b + "\n") {
		have[strings.TrimSuffix(line, "\n")]++
	}
	var only []string
	for line := range strings.Lines(a + "\n") {
		line = strings.TrimSuffix(line, "\n")
		if have[line]--; have[line] < 0 {
			only = append(only, line)
		}
	}
	return strings.Join(only, "\n")
}

func indent(s string) string {
	const most = 2000
	if len(s) > most {
		s = s[:most] + "…"
	}
	return "    " + strings.ReplaceAll(s, "\n", "\n    ")
}

// quiet: the enforcer came up, and had nothing to say.
func (o outcome) quiet(t *testing.T, what string) {
	t.Helper()
	started := 0
	for _, e := range o.events {
		if e.Action == "started" {
			started++
			continue
		}
		t.Errorf("%s: unexpected event %+v", what, e)
	}
	if started != 1 {
		t.Errorf("%s: %d started events, want 1", what, started)
	}
}

// denied: an event names the file, by its canonical path or as it was called.
func (o outcome) denied(t *testing.T, what, control, path string) {
	t.Helper()
	for _, e := range o.events {
		if e.Action == "denied" && e.Control == control && e.Rule != "" && names(e.Subject.Exe, e.Subject.Path, path) {
			return
		}
	}
	t.Errorf("%s: no event says that %s of %q was denied: %+v", what, control, path, o.events)
}

// names reports whether an event is about path: by its canonical or given name; a file without any absolute name (too deep in
// the tree for one) by the relative one that the caller used.
func names(exe, given, path string) bool {
	return exe == path || given == path || given == "./"+filepath.Base(path)
}

// temporary is a folder whose name is harmless in every shell, unlike t.TempDir's.
func temporary(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "dropped-")
	if err == nil {
		t.Cleanup(func() { os.RemoveAll(dir) })
		dir, err = filepath.EvalSymlinks(dir)
	}
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

func exists(name string) bool {
	_, err := os.Lstat(name)
	return err == nil
}

func remove(t *testing.T, names ...string) {
	t.Helper()
	for _, name := range names {
		if err := os.RemoveAll(name); err != nil {
			t.Fatal(err)
		}
	}
}
