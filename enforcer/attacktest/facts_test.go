package attacktest

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestNothingToSee: whatever a program can see of itself is the same with the enforcer: arguments, environment and its
// order, names, descriptors, signals, threads, limits; as the first process and however it was started as a child.
func TestNothingToSee(t *testing.T) {
	policy := blob(t, zeroConfig())
	for _, cc := range []string{"gcc", "musl-gcc"} {
		facts, spawn := compiled(t, cc, "facts"), compiled(t, cc, "spawn")
		script, deep := scripts(t, cc, facts)
		cases := map[string][]string{
			"first":               {facts, "an argument", ""},
			"first-script":        {script, "an argument"},
			"first-script-env":    {deep, "an argument"},
			"shell":               {"/bin/sh", "-c", facts + " x y"},
			"shell-exec":          {"/bin/bash", "-c", "exec -a '' " + facts + " x y"},
			"shell-exported":      {"/bin/sh", "-c", "export A=1 LD_LIBRARY_PATH=/usr/lib; " + facts},
			"script":              {"/bin/sh", "-c", script + " x"},
			"script-env":          {"/bin/sh", "-c", deep + " x"},
			"env-empty":           {"/usr/bin/env", "-i", facts},
			"env-strange":         {"/usr/bin/env", "-i", "A=", "=", "B=1=2", "LD_PRELOADED=1", "THIMBL=1", facts},
			"loader":              {"/lib64/ld-linux-x86-64.so.2", target(t), "x"},
			"relative":            {"/bin/sh", "-c", "cd " + filepath.Dir(facts) + " && ./" + filepath.Base(facts)},
			"path":                {"/bin/sh", "-c", "PATH=" + filepath.Dir(facts) + " " + filepath.Base(facts)},
			"closed-descriptors":  {"/bin/sh", "-c", facts + " 3>&1 5>/dev/null <&-"},
			"ignored-signals":     {"/bin/sh", "-c", "trap '' INT USR1; " + facts},
			"nohup-nice-umask":    {"/bin/sh", "-c", "umask 077; ulimit -n 100; nice " + facts},
			"new-session":         {"/usr/bin/setsid", "-w", facts},
			"python-proc-environ": {"/usr/bin/python3", "-c", "import os; print(dict(os.environ))"},
			"node-environ":        {"/usr/bin/node", "-p", "JSON.stringify([process.env, process.execArgv, process.title])"},
		}
		for _, method := range methods(t, []string{spawn}) {
			if method == "threads" {
				continue // 400 outputs at once, cut into each other
			}
			cases["by-"+method] = []string{spawn, method, facts, "an argument"}
		}
		for name, argv := range cases {
			t.Run(cc+"/"+name, func(t *testing.T) {
				t.Parallel()
				env := []string{"A_VARIABLE=with a value", "A_VARIABLE=twice", "EMPTY=", "LD_LIBRARY_PATH=/nonexistent"}
				want := program{argv: argv, env: env}.run(t)
				got := program{argv: argv, env: env, policy: policy}.run(t)
				got.same(t, name, want)
				got.quiet(t, name)
				if want.out == "" {
					t.Error("there was nothing to compare")
				}
			})
		}
	}
}

// scripts are two that ship: one with a #! line to a shell, one through env(1). Both tell their own name.
func scripts(t *testing.T, cc, facts string) (plain, env string) {
	t.Helper()
	plain, env = filepath.Join(place, "script-"+cc), filepath.Join(place, "script-env-"+cc)
	for name, line := range map[string]string{plain: "#!/bin/sh -e", env: "#!/usr/bin/env bash"} {
		text := line + "\necho script $0 $#\ncat /proc/$$/comm\n" + facts + " \"$@\"\n"
		if err := os.WriteFile(name, []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := tick(); err != nil {
		t.Fatal(err)
	}
	return plain, env
}

// TestLimits: what is long, large, many, exhausted or wrong fails or works exactly as it does without the enforcer; and a
// dropped program is refused there too.
func TestLimits(t *testing.T) {
	both := []string{"leak", "leak-threads", "leak-crowd", "environment", "argument", "path", "stack",
		"closed-descriptors"} // with no descriptor or no memory left a spawn fails, see docs/coverage.md
	twins := append(slices.Clone(both), "arguments", "arguments-too-many", "errors", "syscalls", "unreadable")
	attacks := append(slices.Clone(both), "deep")
	policy := blob(t, zeroConfig())
	for _, cc := range []string{"gcc", "musl-gcc"} {
		limits := compiled(t, cc, "limits")
		for _, method := range twins {
			t.Run(cc+"/twin/"+method, func(t *testing.T) {
				t.Parallel()
				want, _ := shippedLimit(t, limits, method, "")
				got, _ := shippedLimit(t, limits, method, policy)
				got.same(t, method, want)
				got.quiet(t, method)
			})
		}
		for _, method := range attacks {
			t.Run(cc+"/attack/"+method, func(t *testing.T) {
				t.Parallel()
				c := spawnCase{[]string{limits, method}, policy, temporary(t)}
				c.attack(t)
			})
		}
	}
}

// shippedLimit runs a method on a program in a folder of its own, which every run finds empty and under the same name.
func shippedLimit(t *testing.T, limits, method, policy string) (outcome, bool) {
	t.Helper()
	dir := filepath.Join(place, strings.ReplaceAll(t.Name(), "/", "-"))
	shipped, marker := filepath.Join(dir, "x"), filepath.Join(dir, "marker")
	defer remove(t, dir)
	mode := os.FileMode(0o755)
	if method == "unreadable" {
		mode = 0o711
	}
	from, err := os.ReadFile(target(t))
	if err == nil {
		err = os.Mkdir(dir, 0o755)
	}
	if err == nil {
		err = os.WriteFile(shipped, from, mode)
	}
	if err == nil {
		err = tick()
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range []string{place, dir} {
		os.Chmod(d, 0o755)
	}
	o := program{argv: []string{limits, method, shipped, marker}, policy: policy}.run(t)
	return o, exists(marker)
}
