package attacktest

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"thimble/internal/compile"
	"thimble/internal/policy"
)

// fromYAML compiles policies as a user writes them.
func fromYAML(t *testing.T, text string) string {
	t.Helper()
	docs, err := policy.Parse("test.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	var policies []policy.Policy
	for _, d := range docs {
		policies = append(policies, *d.Policy)
	}
	data, err := compile.Blob(policies, noSets)
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(t.TempDir(), "policy")
	if err := os.WriteFile(name, data, 0o644); err != nil {
		t.Fatal(err)
	}
	return name
}

// TestHoles: a function that pastes a value into a shell command serves ordinary values, and cannot be made to run more.
func TestHoles(t *testing.T) {
	policy := fromYAML(t, `
version: 1
exec:
  children: listed
  allow:
    - path: /bin/sh
      args:
        - ["-c", "echo got {value} | cat -n"]
        - ["-c", "echo \"got {quoted}\" | cat -n"]
        - ["-c", "echo 'got {single}' | cat -n"]
    - path: /bin/cat
      from: [/bin/sh]
      args: [["-n"]]
    - path: /bin/echo
      args: [["got", "{argument}"], ["many", "{x...}"]]
forbid: {sets: []}
`)
	shell := func(command string) []string { return []string{"/bin/sh", "-c", command} }
	for name, argv := range map[string][]string{
		"word":            shell("echo got http://example.com/a.doc=%20+x | cat -n"),
		"quoted":          shell(`echo "got a value; with | all & <sorts> of (text) 'and' *" | cat -n`),
		"quoted-empty":    shell(`echo "got " | cat -n`),
		"quoted-utf8":     shell(`echo "got grüße, 世界" | cat -n`),
		"single":          shell(`echo 'got $HOME and $(id) as text' | cat -n`),
		"argument":        {"/bin/echo", "got", "; rm -rf $(HOME) `x` as one argument"},
		"argument-bytes":  {"/bin/echo", "got", "\xff\xfe\x01 not UTF-8"},
		"arguments-none":  {"/bin/echo", "many"},
		"arguments-three": {"/bin/echo", "many", "a", "b", "c"},
	} {
		t.Run("good/"+name, func(t *testing.T) {
			t.Parallel()
			argv := append([]string{compiled(t, "gcc", "evade"), "-", "none", "none"}, argv...)
			want := program{argv: argv}.run(t)
			got := program{argv: argv, policy: policy}.run(t)
			got.same(t, name, want)
			got.quiet(t, name)
			if !strings.Contains(want.out, "status 0") {
				t.Errorf("there was nothing to compare: %s", want.out)
			}
		})
	}
	word := func(value string) []string { return shell("echo got " + value + " | cat -n") }
	quoted := func(value string) []string { return shell(`echo "got ` + value + `" | cat -n`) }
	single := func(value string) []string { return shell(`echo 'got ` + value + `' | cat -n`) }
	for name, argv := range map[string][]string{
		"word-semicolon":      word("x;touch MARKER;echo x"),
		"word-and":            word("x&touch MARKER"),
		"word-pipe":           word("x|touch MARKER"),
		"word-newline":        word("x\ntouch MARKER\necho x"),
		"word-carriage":       word("x\rtouch MARKER"),
		"word-dollar":         word("$(touch MARKER)"),
		"word-backtick":       word("`touch MARKER`"),
		"word-redirect":       word("x>MARKER"),
		"word-brace":          word("{x,y}"),
		"word-glob":           word("/etc/*"),
		"word-tilde":          word("~root"),
		"word-comment":        word("x #"),
		"word-variable":       word("$AWS_SECRET_ACCESS_KEY"),
		"word-option":         word("-e"),
		"word-escape":         word(`x\`),
		"word-quote":          word(`"x"`),
		"word-empty":          word(""),
		"word-two":            word("a b"),
		"word-fullwidth":      word("x；touch MARKER"), // U+FF1B, a semicolon to the eye
		"word-bytes":          word("x\xfftouch"),
		"word-control":        word("x\x01"),
		"quoted-end":          quoted(`x"; touch MARKER; echo "`),
		"quoted-dollar":       quoted("$(touch MARKER)"),
		"quoted-backtick":     quoted("`touch MARKER`"),
		"quoted-variable":     quoted("$HOME"),
		"quoted-newline":      quoted("x\ntouch MARKER"),
		"quoted-escape":       quoted(`x\`),
		"single-end":          single("x'; touch MARKER; echo '"),
		"single-newline":      single("x\ny"),
		"shell-more":          {"/bin/sh", "-c", "echo got x | cat -n", "more"},
		"shell-options":       {"/bin/sh", "-x", "-c", "echo got x | cat -n"},
		"shell-cluster":       {"/bin/sh", "-ec", "echo got x | cat -n"},
		"shell-longer":        {"/bin/sh", "-c", "echo got x | cat -n; touch MARKER"},
		"shell-before":        {"/bin/sh", "-c", "touch MARKER; echo got x | cat -n"},
		"shell-case":          {"/bin/sh", "-c", "ECHO got x | cat -n"},
		"argument-option":     {"/bin/echo", "got", "-e"},
		"argument-empty":      {"/bin/echo", "got", ""}, // a hole that begins a word is never empty
		"argument-two":        {"/bin/echo", "got", "a", "b"},
		"arguments-option":    {"/bin/echo", "many", "a", "-n", "b"},
		"caller":              {"/bin/cat", "-n"},
		"arguments-not-alike": {"/bin/echo", "more"},
	} {
		t.Run("bad/"+name, func(t *testing.T) {
			t.Parallel()
			marker := filepath.Join(temporary(t), "marker")
			full := []string{compiled(t, "gcc", "evade"), "-", "none", "none"}
			for _, a := range argv {
				full = append(full, strings.ReplaceAll(a, "MARKER", marker))
			}
			o := program{argv: full, policy: policy}.run(t)
			if o.out != "error 13" || exists(marker) {
				t.Errorf("not refused: %s\n%s", o.end, indent(o.out))
			}
			if !slices.ContainsFunc(o.events, func(e event) bool { return e.Action == "denied" && strings.HasPrefix(e.Rule, "exec.allow[") }) {
				t.Errorf("no event names the entry: %+v", o.events)
			}
		})
	}
}

// TestModes: what the policy says is to happen, happens.
func TestModes(t *testing.T) {
	tests := []struct {
		name, policy string
		env          []string
		ran          bool
		end          string
		actions      []string // of the events
	}{
		{"enforce", "version: 1", nil, false, "exit status 0", []string{"denied", "started"}},
		{"quiet", "version: 1\nannounce: false", nil, false, "exit status 0", []string{"denied"}},
		{"audit", "version: 1\ntmp: {mode: audit}\nexec: {mode: audit}", nil, true, "exit status 0", []string{"audited", "started"}},
		{"off", "version: 1\ntmp: {mode: \"off\"}\nexec: {mode: \"off\"}", nil, true, "exit status 0", []string{"started"}},
		{"tmp-allow", "version: 1\ntmp: {exec: allow}", nil, true, "exit status 0", []string{"started"}},
		{"none", "version: 1\nexec: {children: none}\ntmp: {exec: allow}", nil, false, "exit status 0", []string{"denied", "started"}},
		{"kill", "version: 1\non_violation: kill", nil, false, "signal: killed", []string{"killed", "started"}},
		{"other-function", "version: 1\nmatch: {functions: [\"a*\"]}", []string{"AWS_LAMBDA_FUNCTION_NAME=b"}, true, "exit status 0", []string{"unprotected"}},
		{"this-function", "version: 1\nmatch: {functions: [\"a*\"]}", []string{"AWS_LAMBDA_FUNCTION_NAME=abc"}, false, "exit status 0", []string{"denied", "started"}},
		{"first-match", "version: 1\nmatch: {functions: [a]}\ntmp: {exec: allow}\n---\nversion: 1", []string{"AWS_LAMBDA_FUNCTION_NAME=a"}, true, "exit status 0", []string{"started"}},
		{"default", "version: 1\nmatch: {functions: [a]}\ntmp: {exec: allow}\n---\nversion: 1", []string{"AWS_LAMBDA_FUNCTION_NAME=b"}, false, "exit status 0", []string{"denied", "started"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			text := strings.ReplaceAll(tt.policy, "version: 1", "version: 1\nforbid: {sets: []}")
			o, ran := dropAndRun(t, fromYAML(t, text), tt.env...)
			if ran != tt.ran || o.end != tt.end {
				t.Errorf("ran %v, %s; want %v, %s\n%s", ran, o.end, tt.ran, tt.end, indent(o.out))
			}
			var actions []string
			for _, e := range o.events {
				actions = append(actions, e.Action)
			}
			slices.Sort(actions)
			if got := slices.Compact(actions); !slices.Equal(got, tt.actions) {
				t.Errorf("events %q, want %q: %+v", got, tt.actions, o.events)
			}
		})
	}
}

func dropAndRun(t *testing.T, policy string, env ...string) (outcome, bool) {
	t.Helper()
	dir := temporary(t)
	marker := filepath.Join(dir, "marker")
	argv := []string{compiled(t, "gcc", "spawn"), "fork", filepath.Join(dir, "x"), marker}
	o := program{argv: argv, policy: policy, env: append(env, "DROP_FROM="+target(t))}.run(t)
	return o, exists(marker)
}

// TestBrokenPolicy: without a usable policy the function runs and says so, or does not run where that was chosen.
func TestBrokenPolicy(t *testing.T) {
	good, err := os.ReadFile(blob(t, zeroConfig()))
	if err != nil {
		t.Fatal(err)
	}
	flipped := slices.Clone(good)
	flipped[len(flipped)/2] ^= 1
	for name, data := range map[string][]byte{
		"missing": nil, "empty": {}, "cut": good[:len(good)-1], "flipped": flipped, "text": []byte("version: 1\n"), "zeros": make([]byte, 4096),
		"longer": append(slices.Clone(good), 0),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(t.TempDir(), "policy")
			if data != nil {
				if err := os.WriteFile(file, data, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			open, ran := dropAndRun(t, file)
			if !ran || open.end != "exit status 0" {
				t.Errorf("fail open: the function did not run: %s\n%s", open.end, indent(open.out))
			}
			if len(open.events) == 0 || open.events[0].Action != "unprotected" || open.events[0].Detail == "" {
				t.Errorf("fail open: no event says so: %+v", open.events)
			}
			closed, ran := dropAndRun(t, file, "THIMBLE_FAIL=closed")
			if ran || closed.end != "exit status 126" {
				t.Errorf("fail closed: the function ran: %s\n%s", closed.end, indent(closed.out))
			}
			if len(closed.events) == 0 || closed.events[0].Action != "unprotected" {
				t.Errorf("fail closed: no event says so: %+v", closed.events)
			}
		})
	}
}

// TestCredentials: children do not get the function's secrets, the function itself keeps them, and an entry can say otherwise.
func TestCredentials(t *testing.T) {
	secrets := []string{"AWS_ACCESS_KEY_ID=AKIAEXAMPLEEXAMPLE00", "AWS_SECRET_ACCESS_KEY=secret/secret/secret/secret/secret/secre",
		"AWS_SESSION_TOKEN=token-token-token", "AWS_REGION=eu-west-1"}
	env, sh := installed(t, "env"), installed(t, "sh")
	strip := fromYAML(t, "version: 1\nforbid: {sets: []}")
	for name, tt := range map[string]struct {
		policy string
		argv   []string
		sees   bool
	}{
		"itself":     {strip, []string{env}, true},
		"child":      {strip, []string{sh, "-c", env + "; true"}, false},
		"grandchild": {strip, []string{sh, "-c", sh + " -c '" + env + "; true'; true"}, false},
		"explicit":   {strip, []string{sh, "-c", env + " AWS_SECRET_ACCESS_KEY=$AWS_SECRET_ACCESS_KEY " + env + "; true"}, false},
		"replaced":   {strip, []string{sh, "-c", "exec " + env}, true},
		"keep":       {fromYAML(t, "version: 1\nforbid: {sets: []}\ncredentials: {children: keep}"), []string{sh, "-c", env + "; true"}, true},
		"entry": {fromYAML(t, "version: 1\nforbid: {sets: []}\nexec: {allow: [{path: "+env+", credentials: keep}]}"),
			[]string{sh, "-c", env + "; true"}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := program{argv: tt.argv, env: secrets, policy: tt.policy}.run(t)
			o.quiet(t, name)
			if !strings.Contains(o.out, "AWS_REGION=eu-west-1") {
				t.Errorf("what is no secret is gone: %s", o.out)
			}
			for _, s := range secrets[:3] {
				if strings.Contains(o.out, s) != tt.sees {
					t.Errorf("%s: seen %v, want %v:\n%s", s, !tt.sees, tt.sees, indent(o.out))
				}
			}
		})
	}
}

// TestAllowedByDigest: a program that unpacks itself into /tmp runs when the policy knows its content, and not with one
// byte more.
func TestAllowedByDigest(t *testing.T) {
	data, err := os.ReadFile(target(t))
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(data)
	dir := temporary(t)
	dropped, marker := filepath.Join(dir, "x"), filepath.Join(dir, "marker")
	policy := fromYAML(t, "version: 1\nforbid: {sets: []}\nexec:\n  allow:\n    - path: "+dropped+"\n      sha256: "+hex.EncodeToString(sum[:]))
	run := func(source string) (outcome, bool) {
		remove(t, dropped, marker)
		argv := []string{compiled(t, "gcc", "spawn"), "posix_spawn", dropped, marker}
		o := program{argv: argv, policy: policy, env: []string{"DROP_FROM=" + source}}.run(t)
		return o, exists(marker)
	}
	if o, ran := run(target(t)); !ran || o.out != "status 7\ntarget ran with 1 arguments" {
		t.Errorf("the known program does not run: %s\n%+v", o.out, o.events)
	}
	changed := filepath.Join(place, "changed")
	if err := os.WriteFile(changed, append(slices.Clone(data), 0), 0o755); err != nil {
		t.Fatal(err)
	}
	o, ran := run(changed)
	if ran || o.out != "error 13" {
		t.Errorf("a changed program ran: %s", o.out)
	}
	o.denied(t, "changed", "exec", dropped)
}

// TestWriting: tmp.write closes /tmp to writing, or to executables.
func TestWriting(t *testing.T) {
	for _, tt := range []struct {
		write, command string
		works          bool
	}{
		{"allow", "echo x > FILE; chmod 755 FILE", true},
		{"deny", "echo x > FILE", false},
		{"deny", "cp /etc/passwd FILE", false},
		{"deny", "python3 -c 'open(\"FILE\", \"w\").write(\"x\")'", false},
		{"no-executables", "echo x > FILE", true},
		{"no-executables", "install -m 644 /etc/passwd FILE", true},
		{"no-executables", "python3 -c 'import os; os.close(os.open(\"FILE\", os.O_CREAT|os.O_WRONLY, 0o755))'", false},
	} {
		t.Run(tt.write+"/"+tt.command, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(temporary(t), "file")
			argv := []string{installed(t, "sh"), "-c", strings.ReplaceAll(tt.command, "FILE", file) + " 2>/dev/null; true"}
			o := program{argv: argv, policy: fromYAML(t, "version: 1\nforbid: {sets: []}\ntmp: {write: "+tt.write+"}")}.run(t)
			if exists(file) != tt.works {
				t.Errorf("written: %v, want %v: %s\n%+v", !tt.works, tt.works, o.out, o.events)
			}
			if refused := len(o.events) > 1; refused == tt.works {
				t.Errorf("events %+v", o.events)
			}
		})
	}
}
