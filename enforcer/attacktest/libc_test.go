package attacktest

import (
	"runtime"
	"slices"
	"strings"
	"testing"
)

const secondLibc = `import ctypes
libc = ctypes.CDLL(None)
libc.dlmopen.restype = ctypes.c_void_p
print("SECOND" if libc.dlmopen(-1, b"libc.so.6", 2) else "refused")`

// TestSecondLibc: another copy of libc in the process, whose entries nobody has patched, is not loaded.
func TestSecondLibc(t *testing.T) {
	argv := []string{installed(t, "python3"), "-c", secondLibc}
	if o := (program{argv: argv}).run(t); !strings.Contains(o.out, "SECOND") {
		t.Fatalf("the attack does not work without the enforcer: %s\n%s", o.end, indent(o.out))
	}
	o := program{argv: argv, policy: blob(t, zeroConfig())}.run(t)
	if !strings.Contains(o.out, "refused") || !o.hasRule("memory.libc") {
		t.Errorf("got %s\n%s\n%+v", o.end, indent(o.out), o.events)
	}
}

// TestLoaderBehindLoader: one loader started by another would run what nobody judged.
func TestLoaderBehindLoader(t *testing.T) {
	const glibc, musl = "/lib64/ld-linux-x86-64.so.2", "/lib/ld-musl-x86_64.so.1"
	if runtime.GOARCH != "amd64" {
		t.Skip("the two loaders' names are those of amd64")
	}
	if !exists(glibc) || !exists(musl) {
		missing(t, "both loaders are needed: %s and %s", glibc, musl)
	}
	shell := []string{"/bin/sh", "-c", glibc + " " + musl + " " + compiled(t, "musl-gcc", "spawn") + " nosuchmethod"}
	want := program{argv: shell}.run(t)
	o := program{argv: shell, policy: blob(t, zeroConfig())}.run(t)
	if !o.hasRule("memory.loader") || o.end == want.end {
		t.Errorf("got %s\n%s\n%+v\nwithout the enforcer %s", o.end, indent(o.out), o.events, want.end)
	}
}

func (o outcome) hasRule(rule string) bool {
	return slices.ContainsFunc(o.events, func(e event) bool { return e.Action == "denied" && e.Rule == rule })
}
