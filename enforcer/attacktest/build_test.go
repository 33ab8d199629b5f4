package attacktest

import (
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
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

// tick waits until the clock that the enforcer reads at its start has passed all that was built before. That clock is
// coarse, and time stamps of files may be finer.
func tick() error {
	var now, coarse unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_REALTIME, &now); err != nil {
		return err
	}
	for coarse.Nano() <= now.Nano() {
		time.Sleep(time.Millisecond)
		if err := unix.ClockGettime(unix.CLOCK_REALTIME_COARSE, &coarse); err != nil {
			return err
		}
	}
	return nil
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
