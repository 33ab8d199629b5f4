package policy

import (
	"strings"
	"testing"
)

var decideSets = map[string]Set{
	"miners":      {Name: "miners", Names: []string{"xmrig*"}, SHA256: [][32]byte{{7}}},
	"downloaders": {Name: "downloaders", Names: []string{"wget"}},
}

func decideLookup(name string) (Set, bool) {
	s, ok := decideSets[name]
	return s, ok
}

func literalArg(s string) Arg { return Arg{Prefix: s} }

func wordArg(prefix, suffix string) Arg {
	return Arg{
		Prefix: prefix, Suffix: suffix,
		Atoms: []Atom{{Class: ClassWordFirst}, {Class: ClassWord, Quant: Star}},
	}
}

// strictPolicy is the example of the contract in short.
func strictPolicy() Policy {
	return Policy{
		Exec: Exec{Mode: Enforce, Children: ChildrenListed, Allow: []Allow{
			{Path: "/bin/sh", Args: []ArgList{{literalArg("-c"), wordArg("curl ", " | ./bin/catdoc -")}}},
			{Path: "/usr/bin/curl", From: []string{"/bin/sh"}, Args: []ArgList{{literalArg("-L"), wordArg("", "")}}},
			{Path: "/opt/aws", Credentials: CredentialsKeep},
			{Path: "/tmp/chromium", SHA256: &[32]byte{1}},
			{Path: "/bin/cat"},
			{Path: "/bin/busybox", Args: []ArgList{{literalArg("tar"), {Rest: true, Atoms: []Atom{{Class: ClassAny, Quant: Star}}}}}},
		}},
		Forbid:      Forbid{Mode: Enforce, Sets: []string{"miners"}, Names: []string{"nmap", "Evil?"}, SHA256: [][32]byte{{5}, {6}}},
		Tmp:         Tmp{Mode: Enforce, DenyExec: true, DenyLoad: true, Write: WriteNoExecutables},
		Memory:      Enforce,
		Credentials: Credentials{Mode: Enforce, Children: CredentialsStrip, DenyEnviron: true},
	}
}

const (
	digest1 = `,"sha256":"0100000000000000000000000000000000000000000000000000000000000000"`
	digest6 = `,"sha256":"0600000000000000000000000000000000000000000000000000000000000000"`
	digest7 = `,"sha256":"0700000000000000000000000000000000000000000000000000000000000000"`
)

func TestDecide(t *testing.T) {
	cases := []struct{ name, request, action, rule string }{
		{"the template", `"exe":"/bin/sh","args":["-c","curl http://a/b | ./bin/catdoc -"],"image":true`, "allow", "exec.allow[0]"},
		{"injection", `"exe":"/bin/sh","args":["-c","curl x;env | ./bin/catdoc -"],"image":true`, "deny", "exec.allow[0].args"},
		{"an option in the hole", `"exe":"/bin/sh","args":["-c","curl -o/x | ./bin/catdoc -"],"image":true`, "deny", "exec.allow[0].args"},
		{"an argument more", `"exe":"/bin/sh","args":["-c","curl x | ./bin/catdoc -","y"],"image":true`, "deny", "exec.allow[0].args"},
		{"from", `"exe":"/usr/bin/curl","args":["-L","x"],"from":"/bin/sh","image":true`, "allow", "exec.allow[1]"},
		{"from another", `"exe":"/usr/bin/curl","args":["-L","x"],"from":"/usr/bin/node","image":true`, "deny", "exec.allow[1].from"},
		{"unlisted", `"exe":"/usr/bin/env","image":true`, "deny", "exec.children"},
		{"by symbolic link", `"exe":"/usr/bin/dash","path":"/bin/cat","image":true`, "allow", "exec.allow[4]"},
		{"content", `"exe":"/tmp/chromium"` + digest1, "allow", "exec.allow[3]"},
		{"content unknown", `"exe":"/tmp/chromium"`, "deny", "tmp.exec"},
		{"other content", `"exe":"/tmp/chromium","image":true` + digest6, "deny", "forbid.sha256[1]"},
		{"content in memory", `"exe":"/tmp/chromium","memfd":true` + digest1, "deny", "memory.memfd"},
		{"not shipped", `"exe":"/tmp/x"`, "deny", "tmp.exec"},
		{"forbidden name", `"exe":"/tmp/NMAP"`, "deny", "forbid.names[0]"},
		{"forbidden link", `"exe":"/bin/cat","path":"/tmp/nmap","image":true`, "deny", "forbid.names[0]"},
		{"forbidden argv[0]", `"exe":"/bin/cat","argv0":"evil1","image":true`, "deny", "forbid.names[1]"},
		{"forbidden by a set", `"exe":"/tmp/xmrig-6.2"`, "deny", "forbid.sets.miners"},
		{"forbidden by a set's digest", `"exe":"/bin/cat","image":true` + digest7, "deny", "forbid.sets.miners"},
		{"forbidden by signature", `"exe":"/bin/cat","image":true,"signature":"miners"`, "deny", "forbid.sets.miners"},
		{"a signature not selected", `"exe":"/bin/cat","image":true,"signature":"downloaders"`, "allow", "exec.allow[4]"},
		{"setuid", `"exe":"/bin/cat","image":true,"setuid":true`, "deny", "memory.setuid"},
		{"interpreter", `"exe":"/usr/bin/python3","image":true,"interpreter":true`, "allow", "exec.interpreter"},
		{"interpreter from /tmp", `"exe":"/tmp/python3","interpreter":true`, "deny", "tmp.exec"},
		{"applet by its link", `"exe":"/bin/busybox","path":"/bin/cat","image":true`, "allow", "exec.allow[4]"},
		{"applet in disguise", `"exe":"/bin/busybox","path":"/bin/cat","argv0":"wget","image":true`, "deny", "exec.children"},
		{"multi-call by its own name", `"exe":"/bin/busybox","args":["tar","x","-f"],"image":true`, "allow", "exec.allow[5]"},
		{"multi-call, other applet", `"exe":"/bin/busybox","args":["wget"],"image":true`, "deny", "exec.allow[5].args"},
		{"multi-call by an applet's name", `"exe":"/bin/busybox","argv0":"tar","image":true`, "deny", "exec.children"},
		{"forbidden applet", `"exe":"/bin/busybox","args":["busybox","nmap"],"image":true`, "deny", "forbid.names[0]"},
	}
	p := strictPolicy()
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) { checkVerdict(t, &p, `{"control":"exec",`+c.request+`}`, c.action, c.rule) })
	}
}

func checkVerdict(t *testing.T, p *Policy, request, action, rule string) {
	t.Helper()
	rq, err := ParseRequest([]byte(request))
	if err != nil {
		t.Fatal(err)
	}
	got := p.Decide(rq, decideLookup)
	if string(got.Action) != action || got.Rule != rule {
		t.Errorf("got %s by %s, want %s by %s", got.Action, got.Rule, action, rule)
	}
}

func TestDecideOtherControls(t *testing.T) {
	cases := []struct{ request, action, rule string }{
		{`{"control":"load","path":"/tmp/x.so"}`, "deny", "tmp.load"},
		{`{"control":"load","path":"/var/task/x.so","image":true}`, "allow", "image"},
		{`{"control":"load","path":"/tmp/chromium"` + digest1 + `}`, "allow", "tmp.load"},
		{`{"control":"load","path":"/proc/self/fd/9","memfd":true}`, "deny", "memory.memfd"},
		{`{"control":"load","path":"/tmp/nmap","image":true}`, "allow", "image"},
		{`{"control":"load","path":"/x","image":true` + digest7 + `}`, "deny", "forbid.sets.miners"},
		{`{"control":"open","path":"/tmp/x","write":true,"executable":true}`, "deny", "tmp.write"},
		{`{"control":"open","path":"/tmp/x","write":true}`, "allow", "tmp.write"},
		{`{"control":"open","path":"/tmp/x","executable":true}`, "allow", "tmp.write"},
		{`{"control":"open","path":"/x","write":true,"executable":true,"image":true}`, "allow", "image"},
		{`{"control":"environ","path":"/proc/1/environ"}`, "deny", "credentials.environ"},
		{`{"control":"memory","op":"process_vm_writev"}`, "deny", "memory.process_vm_writev"},
	}
	p := strictPolicy()
	for _, c := range cases {
		checkVerdict(t, &p, c.request, c.action, c.rule)
	}
}

func TestDecideModes(t *testing.T) {
	audited, off := strictPolicy(), strictPolicy()
	for p, mode := range map[*Policy]Mode{&audited: Audit, &off: Off} {
		p.Exec.Mode, p.Forbid.Mode, p.Tmp.Mode, p.Memory, p.Credentials.Mode = mode, mode, mode, mode, mode
	}
	mixed := strictPolicy()
	mixed.Forbid.Mode, mixed.Tmp.Mode = Audit, Off
	image, allowTmp := strictPolicy(), strictPolicy()
	image.Exec.Children = ChildrenImage
	allowTmp.Exec.Children, allowTmp.Tmp.DenyExec = ChildrenImage, false
	cases := []struct {
		p                     *Policy
		request, action, rule string
	}{
		{&audited, `{"control":"exec","exe":"/tmp/nmap"}`, "audit", "forbid.names[0]"},
		{&audited, `{"control":"exec","exe":"/bin/id","image":true}`, "audit", "exec.children"},
		{&audited, `{"control":"memory","op":"ptrace"}`, "audit", "memory.ptrace"},
		{&off, `{"control":"exec","exe":"/tmp/nmap"}`, "allow", "exec.off"},
		{&off, `{"control":"load","exe":"/tmp/x.so"}`, "allow", "tmp.off"},
		{&off, `{"control":"environ"}`, "allow", "credentials.off"},
		{&off, `{"control":"memory","op":"ptrace"}`, "allow", "memory.off"},
		{&mixed, `{"control":"exec","exe":"/tmp/nmap"}`, "deny", "exec.children"},
		{&mixed, `{"control":"exec","exe":"/bin/cat","argv0":"nmap","image":true}`, "audit", "forbid.names[0]"},
		{&image, `{"control":"exec","exe":"/bin/id","image":true}`, "allow", "exec.image"},
		{&image, `{"control":"exec","exe":"/tmp/id"}`, "deny", "tmp.exec"},
		{&allowTmp, `{"control":"exec","exe":"/tmp/id"}`, "allow", "tmp.exec"},
		{&allowTmp, `{"control":"exec","exe":"/bin/cat"}`, "allow", "exec.allow[4]"},
	}
	for _, c := range cases {
		checkVerdict(t, c.p, c.request, c.action, c.rule)
	}
}

func TestKeepCredentials(t *testing.T) {
	p := strictPolicy()
	for exe, want := range map[string]bool{"/opt/aws": true, "/bin/cat": false, "/bin/id": false} {
		v := p.Decide(Request{Control: "exec", Exe: exe, Path: exe, Argv0: exe, Image: true}, decideLookup)
		if v.KeepCredentials != want {
			t.Errorf("%s: keeps credentials %v, want %v", exe, v.KeepCredentials, want)
		}
	}
	p.Credentials.Mode = Audit
	if v := p.Decide(Request{Control: "exec", Exe: "/bin/cat", Path: "/bin/cat", Image: true}, decideLookup); !v.KeepCredentials {
		t.Error("an audited control takes the credentials away")
	}
}

func TestSelect(t *testing.T) {
	policies := []Policy{
		{Name: "default"},
		{Name: "glob", Match: Match{Functions: []string{"convert-*"}}},
		{Name: "long glob", Match: Match{Functions: []string{"convert-doc-*", "x"}}},
		{Name: "exact", Match: Match{Functions: []string{"convert-doc-1"}}},
		{Name: "second", Match: Match{Functions: []string{"convert-do*"}}},
	}
	for function, want := range map[string]string{
		"": "default", "other": "default", "convert-a": "glob", "convert-doc-2": "long glob", "convert-doc-1": "exact",
		"Convert-a": "default", "x": "long glob", "convert-do": "second",
	} {
		if got := Select(policies, function).Name; got != want {
			t.Errorf("function %q: got policy %q, want %q", function, got, want)
		}
	}
	if got := Select(policies[1:], "other"); got != nil {
		t.Errorf("without a default: got policy %q, want none", got.Name)
	}
}

func TestParseRequestRefuses(t *testing.T) {
	cases := []struct{ line, want string }{
		{`{"control":"exec","exec":"/x"}`, `unknown key "exec"`},
		{`{"Control":"exec"}`, `unknown key "Control"`},
		{`{"exe":"/x"}`, `key "control" is missing`},
		{`{"control":"run"}`, `got "run"`},
		{`{"control":"memory","op":"peek"}`, `got "peek"`},
		{`{"control":"exec","sha256":"12"}`, `want 64 hexadecimal digits`},
		{`{"control":"exec","args":["a\u0000b"]}`, "holds a NUL"},
		{`{"control":"exec","args":"a"}`, "cannot unmarshal"},
		{"{\"control\":\"exec\",\"exe\":\"/\xff\"}", "not valid UTF-8"},
		{`{"control":"exec"} x`, "invalid character"},
		{``, "unexpected end"},
	}
	for _, c := range cases {
		if _, err := ParseRequest([]byte(c.line)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got error %v, want one with %q", c.line, err, c.want)
		}
	}
}

func TestParseRequestDefaults(t *testing.T) {
	rq, err := ParseRequest([]byte(`{"control":"exec","exe":"/usr/bin/dash"}`))
	if err != nil {
		t.Fatal(err)
	}
	if rq.Path != "/usr/bin/dash" || rq.Argv0 != "dash" {
		t.Errorf("got path %q and argv0 %q, want /usr/bin/dash and dash", rq.Path, rq.Argv0)
	}
	if rq, err = ParseRequest([]byte(`{"control":"exec","exe":"/b","argv0":""}`)); err != nil || rq.Argv0 != "" {
		t.Errorf("got argv0 %q and error %v, want none", rq.Argv0, err)
	}
	if rq, err = ParseRequest([]byte(`{"control":"load","path":"/tmp/x.so"}`)); err != nil || rq.Exe != "/tmp/x.so" {
		t.Errorf("got exe %q and error %v, want the path", rq.Exe, err)
	}
}

func TestMarshalLine(t *testing.T) {
	got := string(Verdict{Action: Denied, Rule: "exec.children", KeepCredentials: true}.MarshalLine())
	if want := "{\"verdict\":\"deny\",\"rule\":\"exec.children\"}\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
