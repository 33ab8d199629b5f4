package attacktest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"thimble/internal/policy"
)

// TestChildrenCarryTheEnforcer: however a caller mangles its child's environment, what the child then starts is refused.
func TestChildrenCarryTheEnforcer(t *testing.T) {
	for _, cc := range []string{"gcc", "musl-gcc"} {
		carry, child := compiled(t, cc, "carry"), compiled(t, cc, "spawn")
		for _, method := range methods(t, []string{carry}) {
			t.Run(cc+"/"+method, func(t *testing.T) {
				t.Parallel()
				c := newCarryCase(t, carry, method)
				command := []string{child, "posix_spawn", c.dropped, c.marker}
				if c.run(t, "", command); !exists(c.marker) {
					t.Fatal("the attack does not work without the enforcer")
				}
				remove(t, c.marker, c.dropped, c.evil)
				o := c.run(t, blob(t, zeroConfig()), command)
				if exists(c.marker) {
					t.Errorf("the dropped program RAN: %s\n%s", o.end, indent(o.out))
				}
				o.denied(t, method, "exec", c.dropped)
			})
		}
	}
}

// TestChildrenLoadNothingDropped: a library dropped at run time does not get into a child through its environment.
func TestChildrenLoadNothingDropped(t *testing.T) {
	carry := compiled(t, "gcc", "carry")
	for _, method := range methods(t, []string{carry}) {
		if !strings.Contains(method, "evil") {
			continue
		}
		t.Run(method, func(t *testing.T) {
			t.Parallel()
			c := newCarryCase(t, carry, method)
			command := []string{target(t), c.marker}
			switch {
			case strings.HasPrefix(method, "library-path"):
				command = []string{needs(t)}
			case strings.HasPrefix(method, "gconv"):
				command = []string{installed(t, "iconv"), "-f", "EVIL", "-t", "UTF-8", "/dev/null"}
			}
			if o := c.run(t, "", command); !exists(c.evil + ".loaded") {
				t.Fatalf("the attack does not work without the enforcer: %s\n%s", o.end, indent(o.out))
			}
			remove(t, c.evil+".loaded", c.evil, c.marker)
			o := c.run(t, blob(t, zeroConfig()), command)
			if exists(c.evil + ".loaded") {
				t.Errorf("the dropped library was LOADED: %s\n%s", o.end, indent(o.out))
			}
			c.namesLibrary(t, o)
		})
	}
}

// carryCase is one way to mangle a child's environment.
type carryCase struct {
	carry, method         string
	dropped, marker, evil string
	other                 string
}

func newCarryCase(t *testing.T, carry, method string) carryCase {
	t.Helper()
	dir := temporary(t)
	evil := filepath.Join(dir, "libneeded.so")
	module := "module EVIL// INTERNAL libneeded 1\nmodule INTERNAL EVIL// libneeded 1\n"
	if err := os.WriteFile(filepath.Join(dir, "gconv-modules"), []byte(module), 0o644); err != nil {
		t.Fatal(err)
	}
	open := zeroConfig()
	open.Exec.Mode, open.Tmp.Mode, open.Memory = policy.Off, policy.Off, policy.Off
	return carryCase{carry, method, filepath.Join(dir, "x"), filepath.Join(dir, "marker"), evil, blob(t, open)}
}

func (c carryCase) run(t *testing.T, policy string, command []string) outcome {
	t.Helper()
	return program{
		argv:   append([]string{c.carry, c.method, c.dropped, c.marker}, command...),
		policy: policy,
		env: []string{"DROP_FROM=" + target(t), "OTHER_POLICY=" + c.other,
			"EVIL_FROM=" + sharedLibrary(t, "evil"), "EVIL_TO=" + c.evil},
	}.run(t)
}

// namesLibrary: an event names the library, its folder, or the name by which it was given.
func (c carryCase) namesLibrary(t *testing.T, o outcome) {
	t.Helper()
	for _, e := range o.events {
		named := e.Subject.Path
		if e.Action == "denied" && e.Control == "load" && e.Rule == "tmp.load" &&
			(named == c.evil || named == filepath.Dir(c.evil) || named == "./"+filepath.Base(c.evil) || named == "") {
			return
		}
	}
	t.Errorf("%s: no event names %q: %+v", c.method, c.evil, o.events)
}

// TestOtherPreloadsStay: a library that was preloaded beside the enforcer is in the children too.
func TestOtherPreloadsStay(t *testing.T) {
	other := sharedLibrary(t, "needed")
	argv := []string{"/bin/sh", "-c", "/usr/bin/env sh -c 'cat /proc/self/maps; true' | grep -o '/needed.so$' | sort -u; echo $LD_PRELOAD"}
	want := program{argv: argv, beside: other}.run(t)
	if !strings.Contains(want.out, "needed.so") {
		t.Fatalf("does not work without the enforcer: %s", want.out)
	}
	got := program{argv: argv, beside: other, policy: blob(t, zeroConfig())}.run(t)
	got.same(t, "preloads", want)
	got.quiet(t, "preloads")
}

// sharedLibrary builds testdata/c/NAME.c as a library.
func sharedLibrary(t *testing.T, name string) string {
	t.Helper()
	return build(t, name+".so", "gcc", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC",
		"-o", filepath.Join(place, name+".so"), filepath.Join("testdata", "c", name+".c"), "-ldl")
}

// needs is a program with a library beside it, in the folder lib.
func needs(t *testing.T) string {
	t.Helper()
	lib := filepath.Join(place, "lib")
	if err := os.MkdirAll(lib, 0o755); err != nil {
		t.Fatal(err)
	}
	build(t, "lib/libneeded.so", "gcc", "-shared", "-fPIC", "-Wl,-soname,libneeded.so",
		"-o", filepath.Join(lib, "libneeded.so"), "testdata/c/needed.c")
	return build(t, "needs", "gcc", "-o", filepath.Join(place, "needs"), "testdata/c/needs.c",
		"-L"+lib, "-lneeded", "-Wl,-rpath,$ORIGIN/lib")
}
