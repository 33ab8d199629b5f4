package attacktest

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// languages start programs. Each is a program of testdata that lists its methods when asked to, and takes METHOD TARGET
// MARKER.
var languages = []struct {
	name string
	argv func(t *testing.T) []string
}{
	{"c-glibc", func(t *testing.T) []string { return []string{compiled(t, "gcc", "spawn")} }},
	{"c-musl", func(t *testing.T) []string { return []string{compiled(t, "musl-gcc", "spawn")} }},
	{"node", script("node", "testdata/node/spawn.js")},
	{"python", script("python3", "testdata/python/spawn.py")},
	{"ruby", script("ruby", "testdata/ruby/spawn.rb")},
	{"perl", script("perl", "testdata/perl/spawn.pl")},
	{"java-posix_spawn", java("POSIX_SPAWN")},
	{"java-vfork", java("VFORK")},
	{"java-fork", java("FORK")},
}

func script(interpreter, file string) func(t *testing.T) []string {
	return func(t *testing.T) []string {
		path := installed(t, interpreter)
		file, err := filepath.Abs(file)
		if err != nil {
			t.Fatal(err)
		}
		return []string{path, file}
	}
}

func java(mechanism string) func(t *testing.T) []string {
	return func(t *testing.T) []string {
		return []string{installed(t, "java"), "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-cp", javaClasses(t),
			"-Djdk.lang.Process.launchMechanism=" + mechanism, "Spawn"}
	}
}

// TestSpawn: every way to start a program, in every language.
func TestSpawn(t *testing.T) {
	policy := blob(t, zeroConfig())
	for _, l := range languages {
		t.Run(l.name, func(t *testing.T) {
			argv := l.argv(t)
			for _, method := range methods(t, argv) {
				t.Run(method, func(t *testing.T) {
					t.Parallel()
					c := spawnCase{append(argv, method), policy, temporary(t)}
					c.benign(t)
					c.attack(t)
				})
			}
		})
	}
}

// methods asks a program what it can do.
func methods(t *testing.T, argv []string) []string {
	t.Helper()
	out, err := exec.Command(argv[0], append(argv[1:], "list")...).Output()
	names := strings.Fields(string(out))
	if err != nil || len(names) == 0 {
		t.Fatalf("list the methods of %q: %v, %q", argv, err, out)
	}
	return names
}

// spawnCase is one method of one language.
type spawnCase struct {
	argv   []string
	policy string
	dir    string
}

func (c spawnCase) run(t *testing.T, target, policy string, env ...string) (outcome, bool) {
	t.Helper()
	marker := filepath.Join(c.dir, "marker")
	remove(t, marker)
	argv := append(append([]string{}, c.argv...), target, marker)
	o := program{argv: argv, policy: policy, env: env}.run(t)
	return o, exists(marker)
}

// benign: a program that shipped runs, and its caller sees what it would see without the enforcer.
func (c spawnCase) benign(t *testing.T) {
	target := target(t)
	want, ran := c.run(t, target, "")
	// multiprocessing starts interpreters, not our target, when it is used as it is meant
	if !ran && !strings.Contains(want.out, "a worker ran") {
		t.Fatalf("the benign twin does not work without the enforcer: %s\n%s", want.end, indent(want.out))
	}
	got, ranToo := c.run(t, target, c.policy)
	got.same(t, "benign twin", want)
	got.quiet(t, "benign twin")
	if ran != ranToo {
		t.Errorf("benign twin: the allowed program ran: %v, want %v", ranToo, ran)
	}
}

// attack: a program dropped at run time is refused, as the kernel would refuse it.
func (c spawnCase) attack(t *testing.T) {
	dropped := filepath.Join(c.dir, "x")
	source := "DROP_FROM=" + target(t)
	if o, ran := c.run(t, dropped, "", source, "DROP_MODE=755"); !ran {
		t.Fatalf("the attack does not work without the enforcer: %s\n%s", o.end, indent(o.out))
	}
	remove(t, dropped)
	want, _ := c.run(t, dropped, "", source, "DROP_MODE=644")
	remove(t, dropped)
	got, ran := c.run(t, dropped, c.policy, source, "DROP_MODE=755")
	if ran {
		t.Errorf("attack: the dropped program RAN: %s\n%s", got.end, indent(got.out))
	}
	got.same(t, "attack", want)
	got.denied(t, "attack", "exec", dropped)
	if info, err := os.Stat(dropped); err != nil || info.Mode()&0o111 == 0 {
		t.Errorf("attack: nothing executable was dropped: %v", err)
	}
}
