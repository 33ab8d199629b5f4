package attacktest

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"thimble/internal/policy"
)

// evasion is one detour to something that must not run.
type evasion struct {
	name    string
	method  string         // of testdata/c/evade.c; "-": argv
	argv    []string       // for "-"; TARGET, MARKER, DIR stand for themselves
	other   string         // for the methods that need a second program
	library bool           // what is dropped is a library, and the trace is that it was loaded
	policy  *policy.Policy // nil: zero config
	control string         // in the event; "": exec
	rule    string         // in the event; "": any
	alone   bool           // no benign twin: the form itself is what is refused
}

// TestEvasions: detours to a program dropped at run time, under the policy that needs no configuration.
func TestEvasions(t *testing.T) {
	var cases []evasion
	for _, method := range []string{
		"loader", "loader-options", "loader-named", "loader-relative", "loader-symlink",
		"symlink", "symlink-chain", "symlink-folder", "proc-fd", "dev-fd", "proc-root", "proc-cwd", "thread-root",
		"dots", "slashes", "usr-dots", "relative", "relative-up", "path-search", "argv0",
	} {
		cases = append(cases, evasion{name: method, method: method})
	}
	// A second name, a new script or a file in memory is nothing that ever shipped: these have no twin.
	for _, method := range []string{
		"hardlink", "rename", "memfd", "memfd-path", "memfd-loader", "deleted", "deleted-path", "tmpfile",
		"script", "script-without-line", "script-interpreter", "race-link", "race-bytes",
	} {
		cases = append(cases, evasion{name: method, method: method, alone: true})
	}
	for _, method := range []string{"loader-preload", "loader-audit"} {
		cases = append(cases, evasion{name: method, method: method, other: target(t), library: true, control: "load"})
	}
	cases = append(cases, evasion{name: "loader-library-path", method: "loader-library-path", other: needs(t), library: true, control: "load", alone: true})
	for _, e := range cases {
		t.Run(e.name, func(t *testing.T) { t.Parallel(); e.check(t) })
	}
}

// TestLaunchers: programs whose trade is to start another one. The child carries the enforcer, so it is refused there.
func TestLaunchers(t *testing.T) {
	launchers := [][]string{
		{"env", "TARGET", "MARKER"},
		{"env", "-i", "TARGET", "MARKER"},
		{"env", "-S", "TARGET MARKER"},
		{"env", "LD_PRELOAD=", "THIMBLE_STATE=", "TARGET", "MARKER"},
		{"timeout", "5", "TARGET", "MARKER"},
		{"nice", "TARGET", "MARKER"},
		{"nohup", "TARGET", "MARKER"},
		{"setsid", "-w", "TARGET", "MARKER"},
		{"stdbuf", "-o0", "TARGET", "MARKER"},
		{"xargs", "-a", "/dev/null", "TARGET", "MARKER"},
		{"find", "/dev/null", "-exec", "TARGET", "MARKER", ";"},
		{"awk", `BEGIN{system("TARGET MARKER")}`},
		{"sed", "-n", "1e TARGET MARKER", "/etc/passwd"},
		{"tar", "-cf", "/dev/null", "--checkpoint=1", "--checkpoint-action=exec=TARGET MARKER", "/etc/passwd"},
		{"make", "-f", "/dev/null", "--eval", "x:;TARGET MARKER", "x"},
		{"bash", "-c", "TARGET MARKER"},
		{"bash", "-c", "exec -a true TARGET MARKER"},
		{"bash", "-c", "unset LD_PRELOAD THIMBLE_STATE; TARGET MARKER; true"},
		{"sh", "-c", "LD_PRELOAD= THIMBLE_POLICY=/dev/null TARGET MARKER"},
		{"sh", "-c", "cd $(dirname TARGET) && ./x MARKER"},
		{"sh", "-c", "echo $(TARGET MARKER)"},
		{"sh", "-c", "TARGET MARKER & wait"},
		{"busybox", "sh", "-c", "TARGET MARKER"},
		{"busybox", "env", "TARGET", "MARKER"},
		{"perl", "-e", `exec "TARGET","MARKER"`},
		{"python3", "-c", `import os; os.execv("TARGET",["TARGET","MARKER"])`},
	}
	for _, argv := range launchers {
		t.Run(strings.Join(argv[:min(len(argv), 3)], "_"), func(t *testing.T) {
			t.Parallel()
			argv := slices.Clone(argv)
			argv[0] = installed(t, argv[0])
			evasion{method: "-", argv: argv}.check(t)
		})
	}
}

// TestListed: with a list, what is not on it does not run, though it shipped.
func TestListed(t *testing.T) {
	listed := zeroConfig()
	listed.Exec.Children = policy.ChildrenListed
	listed.Exec.Allow = []policy.Allow{
		{Path: "/bin/sh", Args: []policy.ArgList{literal("-c", "/bin/true; exit 3"), literal("-c", "/usr/bin/env true")}},
		{Path: "/bin/true"},
		{Path: installed(t, "python3"), Args: []policy.ArgList{literal("-c", "print(1)")}},
	}
	for _, argv := range [][]string{
		{"/bin/sh", "-c", "/bin/true; exit 3"},
		{"/usr/bin/sh", "-c", "/bin/true; exit 3"}, // another name of the same file
		{"/usr/bin/python3", "-c", "print(1)"},
	} {
		t.Run("allowed/"+strings.Join(argv, "_"), func(t *testing.T) {
			t.Parallel()
			argv := append([]string{compiled(t, "gcc", "evade"), "-", "none", "none"}, argv...)
			want := program{argv: argv}.run(t)
			got := program{argv: argv, policy: blob(t, listed)}.run(t)
			got.same(t, "listed", want)
			got.quiet(t, "listed")
		})
	}
	for _, argv := range [][]string{
		{"/bin/sh", "TARGET", "MARKER"},
		{"/bin/sh", "-c", ". TARGET", "x", "MARKER"},
		{"/bin/sh", "-c", "touch MARKER"},
		{"/bin/sh", "-c", "touch MARKER; /bin/true; exit 3"},
		{"/bin/sh", "-c", "touch MARKER", "/bin/true; exit 3"},
		{"/bin/sh", "-ec", "touch MARKER"},
		{"/bin/dash", "-c", "touch MARKER"},
		{"/bin/bash", "-c", "touch MARKER"},
		{"/usr/bin/python3", "-c", "open('MARKER','w')"},
		{"/usr/bin/python3", "-c", "print(1)\nopen('MARKER','w')"},
		{"/usr/bin/python3", "-c", "open('MARKER','w')", "-c", "print(1)"},
		{"/usr/bin/env", "touch", "MARKER"},
		{"/usr/bin/touch", "MARKER"},
		{"/usr/bin/perl", "-e", "open(F,'>','MARKER')"},
		{"/usr/bin/node", "-e", "fs.writeFileSync('MARKER','')"},
		{"/bin/busybox", "touch", "MARKER"},
		{"/lib64/ld-linux-x86-64.so.2", "/usr/bin/touch", "MARKER"},
		{"/lib64/ld-linux-x86-64.so.2", "/bin/sh", "-c", "touch MARKER"},
		{"/proc/self/root/usr/bin/touch", "MARKER"},
		{"/proc/self/root/bin/sh", "-c", "touch MARKER"},
	} {
		t.Run("refused/"+strings.Join(argv, "_"), func(t *testing.T) {
			t.Parallel()
			evasion{method: "-", argv: argv, policy: &listed, rule: "exec.", alone: true}.check(t)
		})
	}
}

// literal is a list of arguments without holes.
func literal(args ...string) policy.ArgList {
	var list policy.ArgList
	for _, a := range args {
		list = append(list, policy.Arg{Source: a, Prefix: a})
	}
	return list
}

// TestForbidden: names that nobody may run, under whatever name they are called.
func TestForbidden(t *testing.T) {
	forbid := zeroConfig()
	forbid.Forbid.Names = []string{"xmrig*", "wget"}
	forbid.Tmp.DenyExec = false
	tool := filepath.Join(place, "xmrig-6.21")
	build(t, "xmrig-6.21", "cp", target(t), tool)
	for name, argv := range map[string][]string{
		"itself":    {tool, "MARKER"},
		"dropped":   {"/bin/sh", "-c", "cp TARGET DIR/XMRig; DIR/XMRig MARKER"},
		"symlink":   {"/bin/sh", "-c", "ln -s " + tool + " DIR/true; DIR/true MARKER"},
		"from-link": {"/bin/sh", "-c", "ln -s " + target(t) + " DIR/xmrig; DIR/xmrig MARKER"},
		"argv0":     {"/bin/bash", "-c", "exec -a xmrig " + target(t) + " MARKER"},
		"loader":    {"/lib64/ld-linux-x86-64.so.2", tool, "MARKER"},
		"env":       {"/usr/bin/env", "-i", tool, "MARKER"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			evasion{method: "-", argv: argv, policy: &forbid, rule: "forbid.names[0]", alone: true}.check(t)
		})
	}
	suid := filepath.Join(place, "suid")
	build(t, "suid", "install", "-m", "4755", target(t), suid)
	t.Run("setuid", func(t *testing.T) {
		evasion{method: "-", argv: []string{suid, "MARKER"}, rule: "memory.setuid", alone: true}.check(t)
	})
}

// check runs the attack without the enforcer, where it must succeed, and with it, where it must not; then the twin.
func (e evasion) check(t *testing.T) {
	t.Helper()
	p := zeroConfig()
	if e.policy != nil {
		p = *e.policy
	}
	control := e.control
	if control == "" {
		control = "exec"
	}
	const tries = 20 // a race is won now and then
	for i := 1; ; i++ {
		o, hit := e.attempt(t, "")
		if hit {
			break
		}
		if i == tries || !strings.HasPrefix(e.method, "race") {
			t.Fatalf("the attack does not work without the enforcer: %s\n%s", o.end, indent(o.out))
		}
	}
	o, hit := e.attempt(t, blob(t, p))
	if hit {
		t.Errorf("the attack SUCCEEDED: %s\n%s\n%+v", o.end, indent(o.out), o.events)
	}
	if !slices.ContainsFunc(o.events, func(ev event) bool {
		return ev.Action == "denied" && ev.Control == control && strings.HasPrefix(ev.Rule, e.rule)
	}) {
		t.Errorf("no %s event with rule %s: %+v\n%s", control, e.rule, o.events, indent(o.out))
	}
	if !e.alone {
		e.twin(t, blob(t, p))
	}
}

// attempt runs the detour to something freshly dropped.
func (e evasion) attempt(t *testing.T, policy string) (outcome, bool) {
	t.Helper()
	dir := temporary(t)
	from, dropped, marker := target(t), filepath.Join(dir, "x"), filepath.Join(dir, "marker")
	trace := marker
	if e.library {
		from, dropped = sharedLibrary(t, "evil"), filepath.Join(dir, "libneeded.so")
		trace = dropped + ".loaded"
	}
	if e.scriptDropped() {
		from = filepath.Join(dir, "source")
		if err := os.WriteFile(from, []byte("touch "+marker+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	o := e.command(t, dropped, marker, dir, policy, "DROP_FROM="+from)
	return o, exists(trace)
}

// scriptDropped: a shell is told to read the target.
func (e evasion) scriptDropped() bool {
	return len(e.argv) > 1 && e.argv[0] == "/bin/sh" && (e.argv[1] == "TARGET" || len(e.argv) > 2 && e.argv[2] == ". TARGET")
}

func (e evasion) command(t *testing.T, target, marker, dir, policy string, env ...string) outcome {
	t.Helper()
	argv := []string{compiled(t, "gcc", "evade"), e.method, target, marker}
	if e.other != "" {
		argv = append(argv, e.other)
	}
	fill := strings.NewReplacer("TARGET", target, "MARKER", marker, "DIR", dir)
	for _, a := range e.argv {
		argv = append(argv, fill.Replace(a))
	}
	return program{argv: argv, policy: policy, env: env}.run(t)
}

// twin runs the same detour to something that shipped.
func (e evasion) twin(t *testing.T, policy string) {
	t.Helper()
	folder, err := os.MkdirTemp(place, "shipped-")
	if err != nil {
		t.Fatal(err)
	}
	shipped, from := filepath.Join(folder, "x"), target(t)
	if e.library {
		shipped, from = filepath.Join(folder, "libneeded.so"), sharedLibrary(t, "needed")
	}
	build(t, "twin of "+shipped, "install", from, shipped)
	run := func(policy string) (outcome, bool) {
		marker := filepath.Join(folder, "marker")
		defer remove(t, marker, shipped+".2")
		for _, name := range []string{"link", "one", "two", "there"} {
			defer remove(t, filepath.Join(folder, name))
		}
		o := e.command(t, shipped, marker, folder, policy)
		return o, exists(marker)
	}
	want, ran := run("")
	got, ranToo := run(policy)
	got.same(t, "benign twin", want)
	got.quiet(t, "benign twin")
	if ran != ranToo || !ran {
		t.Errorf("benign twin: ran %v, without the enforcer %v", ranToo, ran)
	}
}
