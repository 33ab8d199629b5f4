package attacktest

import (
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"
)

// The programs are compiled once, into place, when the first test asks for them.
var builds sync.Map // name → func() (string, error)

func build(t *testing.T, name string, argv ...string) string {
	t.Helper()
	if _, err := exec.LookPath(argv[0]); err != nil {
		missing(t, "%s is not installed", argv[0])
	}
	out := filepath.Join(place, name)
	once, _ := builds.LoadOrStore(name, sync.OnceValue(func() error {
		text, err := exec.Command(argv[0], argv[1:]...).CombinedOutput()
		if err != nil {
			os.Stderr.Write(text)
			return err
		}
		return tick()
	}))
	if err := once.(func() error)(); err != nil {
		t.Fatalf("build %s: %v", name, err)
	}
	return out
}

// tick waits until the file system's clock has moved on: what was built before is then older than any process started
// after.
func tick() error {
	var first, now syscall.Stat_t
	for i := 0; ; i++ {
		name := filepath.Join(place, "tick")
		if err := os.WriteFile(name, nil, 0o644); err != nil {
			return err
		}
		if err := syscall.Stat(name, &now); err != nil {
			return err
		}
		if i == 0 {
			first = now
		}
		if now.Ctim != first.Ctim {
			return nil
		}
		time.Sleep(time.Millisecond)
	}
}

// compiled builds testdata/c/NAME.c with one of the C compilers.
func compiled(t *testing.T, cc, name string, flags ...string) string {
	t.Helper()
	argv := []string{cc, "-std=gnu11", "-O1", "-g0", "-Wall", "-Wextra", "-Werror", "-pthread", "-o", filepath.Join(place, name+"-"+cc),
		filepath.Join("testdata", "c", name+".c")}
	return build(t, name+"-"+cc, append(argv, append(flags, "-lutil", "-ldl")...)...)
}

// target is the program that ships with the function and may run; what is dropped is a copy of it.
func target(t *testing.T) string { return compiled(t, "gcc", "target") }

func javaClasses(t *testing.T) string {
	return build(t, "java", "javac", "-d", filepath.Join(place, "java"), "testdata/java/Spawn.java")
}
