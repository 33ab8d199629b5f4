package attacktest

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"thimble/internal/policy"
)

// TestDisarm: attempts to get a child, or the next one, without the enforcer.
func TestDisarm(t *testing.T) {
	child := compiled(t, "musl-gcc", "spawn")
	for name, argv := range map[string][]string{
		"limit-data-240":  {"/bin/bash", "-c", `ulimit -Sd 240; exec dash -c 'ulimit -Sd unlimited; TARGET MARKER'`},
		"limit-data-300":  {"/bin/bash", "-c", `ulimit -Sd 300; exec dash -c 'ulimit -Sd unlimited; TARGET MARKER'`},
		"limit-data-340":  {"/bin/bash", "-c", `ulimit -Sd 340; exec dash -c 'ulimit -Sd unlimited; TARGET MARKER'`},
		"musl-preload":    {"/bin/sh", "-c", `/lib/ld-musl-x86_64.so.1 --preload "" ` + child + ` posix_spawn TARGET MARKER`},
		"musl-preload-is": {"/bin/sh", "-c", `/lib/ld-musl-x86_64.so.1 --preload=/lib/x86_64-linux-musl/libc.so ` + child + ` posix_spawn TARGET MARKER`},
		"musl-loader":     {"/bin/sh", "-c", `/lib/ld-musl-x86_64.so.1 ` + child + ` posix_spawn TARGET MARKER`},
		"shebang-path":    {"/bin/sh", "-c", `cp TARGET DIR/bash; export MARK""ER=MARKER PATH=DIR:$PATH; cd ` + filepath.Dir(envScript(t)) + `; ./env-script`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if strings.Contains(argv[2], "ld-musl") && !exists("/lib/ld-musl-x86_64.so.1") {
				missing(t, "musl is not installed")
			}
			e := evasion{method: "-", argv: argv}
			if o, hit := e.attempt(t, ""); !hit && !strings.HasPrefix(name, "limit") { // too little memory even for a shell
				t.Fatalf("the attack does not work without the enforcer: %s\n%s", o.end, indent(o.out))
			}
			if o, hit := e.attempt(t, blob(t, zeroConfig())); hit {
				t.Errorf("the attack SUCCEEDED: %s\n%s\n%+v", o.end, indent(o.out), o.events)
			}
		})
	}
}

func envScript(t *testing.T) string {
	t.Helper()
	name := filepath.Join(place, "env-script")
	if err := os.WriteFile(name, []byte("#!/usr/bin/env bash\nexit 7\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := tick(); err != nil {
		t.Fatal(err)
	}
	return name
}

// TestRemoval: the enforcer's own files are removed or replaced by the function, where they lie on a writable place.
func TestRemoval(t *testing.T) {
	for name, command := range map[string]string{
		"library":          `rm -f LIB; sh -c "TARGET MARKER"`,
		"library-replaced": `cp OTHER LIB.new; mv LIB.new LIB; sh -c "TARGET MARKER"`,
		"policy":           `rm -f POLICY; sh -c "TARGET MARKER"`,
		"policy-replaced":  `cp OPEN POLICY; sh -c "TARGET MARKER"`,
		"policy-moved":     `mv POLICY POLICY.old; cp OPEN POLICY; sh -c "TARGET MARKER"`,
	} {
		t.Run(name, func(t *testing.T) {
			dir, err := os.MkdirTemp(place, "removal-")
			if err != nil {
				t.Fatal(err)
			}
			own := copyTo(t, library, filepath.Join(dir, "libthimble.so"))
			open := zeroConfig()
			open.Exec.Mode, open.Tmp.Mode = policy.Off, policy.Off
			file := copyTo(t, blob(t, zeroConfig()), filepath.Join(dir, "policy"))
			if err := tick(); err != nil {
				t.Fatal(err)
			}
			drop := temporary(t)
			dropped, marker := filepath.Join(drop, "x"), filepath.Join(drop, "marker")
			fill := strings.NewReplacer("LIB", own, "POLICY", file, "OPEN", blob(t, open), "OTHER", sharedLibrary(t, "needed"),
				"TARGET", dropped, "MARKER", marker)
			argv := []string{installed(t, "sh"), "-c", "cp " + target(t) + " " + dropped + "; " + fill.Replace(command)}
			o := program{argv: argv, env: []string{"LD_PRELOAD=" + own, "THIMBLE_POLICY=" + file, "THIMBLE_EVENTS=file:" + drop + "/events"}}.run(t)
			if exists(marker) {
				t.Errorf("the dropped program RAN: %s\n%s", o.end, indent(o.out))
			}
			if events := readEvents(t, drop+"/events"); len(events) < 2 {
				t.Errorf("nobody says what happened: %+v", events)
			}
		})
	}
}

func copyTo(t *testing.T, from, to string) string {
	t.Helper()
	data, err := os.ReadFile(from)
	if err == nil {
		err = os.WriteFile(to, data, 0o755)
	}
	if err != nil {
		t.Fatal(err)
	}
	return to
}

// TestScripts: #! lines as the kernel reads them.
func TestScripts(t *testing.T) {
	dir, err := os.MkdirTemp(place, "scripts-")
	if err != nil {
		t.Fatal(err)
	}
	inner := filepath.Join(dir, "inner")
	texts := map[string]string{
		"inner":       "#!/bin/echo inner",
		"nested":      "#!" + inner + " argument\n",
		"no-newline":  "#!/bin/echo",
		"blanks":      "#! \t /bin/echo \t two words \t \n",
		"empty-line":  "#!\n",
		"only-blanks": "#!   \n",
		"carriage":    "#!/bin/echo\r\n",
		"long":        "#!/bin/echo " + strings.Repeat("x", 300) + "\n",
		"long-name":   "#!/" + strings.Repeat("x", 300) + "\n",
		"missing":     "#!/nonexistent/interpreter\n",
		"folder":      "#!/bin\n",
		"itself":      "#!" + filepath.Join(dir, "itself") + "\n",
		"nul":         "#!/bin/echo a\x00b\n",
		"relative":    "#!inner\n",
		"text":        "echo text\n",
		"empty":       "",
		"short":       "#!",
	}
	for name, text := range texts {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := tick(); err != nil {
		t.Fatal(err)
	}
	zero := blob(t, zeroConfig())
	for name := range texts {
		for _, method := range []string{"execve", "execvp", "posix_spawn", "system"} {
			t.Run(name+"/"+method, func(t *testing.T) {
				t.Parallel()
				argv := []string{compiled(t, "gcc", "spawn"), method, filepath.Join(dir, name), "argument"}
				want := program{argv: argv, dir: dir}.run(t)
				got := program{argv: argv, dir: dir, policy: zero}.run(t)
				got.same(t, name, want)
				got.quiet(t, name)
			})
		}
	}
}

// TestHarm: the enforcer's own acts do not hurt the function.
func TestHarm(t *testing.T) {
	zero := blob(t, zeroConfig())
	t.Run("stderr without a reader", func(t *testing.T) {
		code := `import os, signal, sys
signal.signal(signal.SIGPIPE, signal.SIG_DFL)
r, w = os.pipe(); os.dup2(w, 2); os.close(r); os.close(w)
try: open("/proc/self/environ")
except OSError as e: print("refused", e.errno)
print("alive")`
		o := program{argv: []string{installed(t, "python3"), "-c", code}, env: []string{"LD_PRELOAD=" + library, "THIMBLE_POLICY=" + zero}}.run(t)
		if !strings.Contains(o.out, "alive\nrefused 13") || o.end != "exit status 0" {
			t.Errorf("the function ended by an event: %s\n%s", o.end, o.out)
		}
	})
	t.Run("descriptor reused", func(t *testing.T) {
		file := filepath.Join(t.TempDir(), "database")
		code := fmt.Sprintf(`exec 9>&-; exec 9>%s; cat /proc/self/environ; (cat /proc/self/environ); true`, file)
		argv := []string{installed(t, "bash"), "-c", `exec 9>/dev/null; exec env LD_PRELOAD=` + library + ` THIMBLE_POLICY=` + zero + ` THIMBLE_EVENTS=fd:9 bash -c '` + code + `'`}
		program{argv: argv}.run(t)
		if data, err := os.ReadFile(file); err != nil || len(data) != 0 {
			t.Errorf("an event went into the function's file: %q, %v", data, err)
		}
	})
	t.Run("control bytes in names", func(t *testing.T) {
		dir := temporary(t)
		bad := filepath.Join(dir, strings.Repeat("\x01", 250))
		code := fmt.Sprintf(`use File::Copy; copy("%s", "%s"); chmod 0755, "%s"; system {"%s"} "\x01" x 250, "\x01" x 250 for 1..3`, target(t), bad, bad, bad)
		o := program{argv: []string{installed(t, "perl"), "-e", code}, policy: zero}.run(t)
		if len(o.events) != 4 { // readEvents has looked at each
			t.Errorf("%d events, want 4", len(o.events))
		}
	})
}
