package attacktest

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"thimble/enforcer"
)

const (
	crossCompiler = "aarch64-linux-gnu-gcc"
	crossRoot     = "/usr/aarch64-linux-gnu"
	qemu          = "qemu-aarch64-static"
)

// guest runs an arm64 program with the arm64 enforcer under qemu-user. Only the guest gets the enforcer's variables.
func guest(ctx context.Context, t *testing.T, p program, events string) *exec.Cmd {
	t.Helper()
	argv := []string{"-L", crossRoot}
	if p.policy != "" {
		argv = append(argv, "-E", "LD_PRELOAD="+guestLibrary(t), "-E", "THIMBLE_POLICY="+p.policy, "-E", "THIMBLE_EVENTS=file:"+events)
	}
	cmd := exec.CommandContext(ctx, installed(t, qemu), append(argv, p.argv...)...)
	cmd.Env = append(environment(), p.env...)
	return cmd
}

func guestLibrary(t *testing.T) string {
	t.Helper()
	name := filepath.Join(place, "libthimble-arm64.so")
	if exists(name) {
		return name
	}
	so, err := enforcer.Library("arm64")
	if err == nil {
		err = os.WriteFile(name+".new", so, 0o755)
	}
	if err == nil {
		err = os.Rename(name+".new", name)
	}
	if err != nil {
		t.Fatal(err)
	}
	return name
}

// TestArm64: the other CPU's enforcer, as far as qemu-user carries: what is dropped does not run, is not loaded and is
// reported. What an arm64 program starts runs on this machine's own CPU, without an enforcer; so the twin is only that
// it runs.
func TestArm64(t *testing.T) {
	if runtime.GOARCH == "arm64" {
		t.Skip("this machine is an arm64: the other tests are this one")
	}
	installed(t, qemu)
	if !exists(crossRoot + "/lib/libc.so.6") {
		missing(t, "the arm64 C library is not installed in %s", crossRoot)
	}
	guestLibrary(t)
	policy := blob(t, zeroConfig())
	t.Run("spawn", func(t *testing.T) { guestSpawns(t, policy) })
	t.Run("inside", func(t *testing.T) { guestInside(t, policy) })
}

func guestSpawns(t *testing.T, policy string) {
	spawn := compiled(t, crossCompiler, "spawn")
	for _, method := range methods(t, []string{installed(t, qemu), "-L", crossRoot, spawn}) {
		if strings.Contains(method, "execveat") || slices.Contains([]string{"threads", "system", "popen", "wordexp"}, method) {
			continue // not in this qemu; 400 emulated processes; this machine's shell, which has no enforcer
		}
		t.Run(method, func(t *testing.T) {
			t.Parallel()
			dir := temporary(t)
			dropped, marker := filepath.Join(dir, "x"), filepath.Join(dir, "marker")
			run := func(target, policy string, env ...string) (outcome, bool) {
				remove(t, dropped, marker)
				o := program{argv: []string{spawn, method, target, marker}, guest: true, policy: policy, env: env}.run(t)
				return o, exists(marker)
			}
			if o, ran := run(target(t), policy); !ran {
				t.Errorf("the allowed program did not run: %s\n%s\n%+v", o.end, indent(o.out), o.events)
			}
			source := "DROP_FROM=" + target(t)
			if o, ran := run(dropped, "", source); !ran {
				t.Fatalf("the attack does not work without the enforcer: %s\n%s", o.end, indent(o.out))
			}
			want, _ := run(dropped, "", source, "DROP_MODE=644")
			got, ran := run(dropped, policy, source)
			if ran {
				t.Errorf("the dropped program RAN: %s\n%s", got.end, indent(got.out))
			}
			got.same(t, method, want)
			got.denied(t, method, "exec", dropped)
		})
	}
}

func guestInside(t *testing.T, policy string) {
	inside := compiled(t, crossCompiler, "inside")
	evil := build(t, "evil-arm64.so", crossCompiler, "-shared", "-fPIC", "-o", filepath.Join(place, "evil-arm64.so"), "testdata/c/evil.c", "-ldl")
	for _, method := range methods(t, []string{installed(t, qemu), "-L", crossRoot, inside}) {
		t.Run(method, func(t *testing.T) {
			t.Parallel()
			run := func(policy string) outcome {
				dropped := filepath.Join(temporary(t), "l.so")
				return program{argv: []string{inside, method, dropped}, guest: true, policy: policy, env: []string{"DROP_FROM=" + evil}}.run(t)
			}
			if o := run(""); o.out != "got it" {
				t.Skipf("qemu-user cannot do it even without the enforcer: %s", o.out)
			}
			o := run(policy)
			if !strings.HasPrefix(o.out, "refused") || o.end != "exit status 0" {
				t.Errorf("the attack was not refused: %s, %s", o.end, o.out)
			}
			if !slices.ContainsFunc(o.events, func(e event) bool { return e.Action == "denied" }) {
				t.Errorf("no event: %+v", o.events)
			}
		})
	}
}
