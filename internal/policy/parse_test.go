package policy

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

func readTestdata(t *testing.T, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestContractIsAccepted(t *testing.T) {
	docs, err := Parse("policy.yaml", readTestdata(t, "contract.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	p := docs[0].Policy
	if len(docs) != 1 || p.Name != "convert" || len(p.Exec.Allow) != 5 || p.Exec.Children != ChildrenListed {
		t.Errorf("got %d documents, the first %+v", len(docs), p)
	}
	if len(docs[0].Notes) != 0 {
		t.Errorf("got notes %v", docs[0].Notes)
	}
	if a := p.Exec.Allow[4]; a.SHA256 == nil || a.Path != "/tmp/chromium" {
		t.Errorf("got %+v for /tmp/chromium", a)
	}
	if got := p.Exec.Allow[3].Credentials; got != CredentialsKeep {
		t.Errorf("got credentials %v for /opt/bin/aws", got)
	}
}

func TestContractRequests(t *testing.T) {
	docs, err := Parse("policy.yaml", readTestdata(t, "contract.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		`{"verdict":"allow","rule":"exec.allow[0]"}`,
		`{"verdict":"deny","rule":"exec.allow[0].args"}`,
		`{"verdict":"deny","rule":"exec.children"}`,
		`{"verdict":"deny","rule":"forbid.names[1]"}`,
	}
	for i, line := range strings.Split(strings.TrimSpace(string(readTestdata(t, "contract.jsonl"))), "\n") {
		rq, err := ParseRequest([]byte(line))
		if err != nil {
			t.Fatal(err)
		}
		got := strings.TrimSpace(string(docs[0].Policy.Decide(rq, Curated).MarshalLine()))
		if got != want[i] {
			t.Errorf("line %d: got %s, want %s", i+1, got, want[i])
		}
	}
}

func TestDefaultYAMLIsDefault(t *testing.T) {
	docs, err := Parse("default", []byte(DefaultYAML))
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(docs[0].Policy, Default()) {
		t.Errorf("got  %+v\nwant %+v", docs[0].Policy, Default())
	}
}

func TestWhatIsLeftOutHasItsDefault(t *testing.T) {
	docs, err := Parse("p", []byte("version: 1\nexec: {children: none}\ntmp: {write: deny}\n"))
	if err != nil {
		t.Fatal(err)
	}
	want := Default()
	want.Name, want.Exec.Children, want.Tmp.Write = "", ChildrenNone, WriteDeny
	if got := docs[0].Policy; !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

// Every file in testdata/bad has one fault a line that ends in "# want COL: TEXT"; the error must stand in that line, at
// that column, and hold that text, and there must be no other errors.
func TestFaults(t *testing.T) {
	files, err := filepath.Glob("testdata/bad/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no files in testdata/bad: %v", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) { checkFaults(t, file) })
	}
}

func checkFaults(t *testing.T, file string) {
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	docs, err := Parse("p", data)
	problems, _ := err.(Problems)
	if docs != nil {
		t.Errorf("got documents as well as errors")
	}
	wanted := 0
	for i, line := range strings.Split(string(data), "\n") {
		for _, w := range strings.Split(line, "# want ")[1:] {
			wanted++
			col, text, _ := strings.Cut(strings.TrimSpace(w), ": ")
			if !hasProblem(problems, fmt.Sprintf("p:%d:%s: ", i+1, col), text) {
				t.Errorf("line %d: no error at column %s with %q", i+1, col, text)
			}
		}
	}
	if len(problems) != wanted || t.Failed() {
		t.Errorf("got %d errors, want %d:\n%v", len(problems), wanted, problems)
	}
}

func hasProblem(problems Problems, at, text string) bool {
	for _, p := range problems {
		if strings.HasPrefix(p.Error(), at) && strings.Contains(p.Message, text) {
			return true
		}
	}
	return false
}

func TestFilesThatAreNoPolicy(t *testing.T) {
	tests := []struct{ name, data, want string }{
		{"empty", "", `p:1:1: is empty`},
		{"comment only", "# nothing\n", `p:1:1: is empty`},
		{"NUL", "version: 1\nname: a\x00b\n", `p:2:8: has a NUL byte`},
		{"UTF-8", "version: 1\nname: \"\xff\"\n", `p:2:8: has invalid UTF-8`},
		{"UTF-16", "\xff\xfev\x00e\x00r\x00", `p:1:4: has a NUL byte`},
		{"huge", "version: 1\n#" + strings.Repeat("x", maxFile), `p:1:1: is larger than 1048576 bytes`},
		{"list", "- version: 1\n", `p:1:1: want a policy, got a list`},
		{"scalar", "hello\n", `p:1:1: want a policy, got "hello"`},
		{"alias", "version: 1\nname: &n x\nseal: *n\n", `p:2:7: anchors are not supported: remove &n`},
		{"bomb", "a: &a [x,x]\nb: &b [*a,*a]\nc: [*b,*b]\nversion: 1\n", `p:1:4: anchors are not supported`},
		{"merge", "version: 1\n<<: {name: x}\n", `p:2:1: a policy has no key "<<"`},
		{"tag", "version: 1\nname: !secret x\n", `p:2:7: the tag !secret is not supported`},
		{"deep", "version: 1\nname: " + strings.Repeat("[", 100) + strings.Repeat("]", 100) + "\n", "is nested more than 32 levels deep"},
		{"very deep", "version: 1\nname: " + strings.Repeat("[", 20000), "p:2:1: is not YAML: "},
		{"syntax", "version: 1\nexec:\n  mode: a: b\n", `p:3:1: is not YAML: mapping values are not allowed`},
		{"tab", "version: 1\nexec:\n\tmode: off\n", `p:3:1: is not YAML`},
		{"no version", "name: x\n", `p:1:1: version is missing: begin the policy with "version: 1"`},
		{"version", "version: 2\n", `p:1:10: version: want 1`},
		{"empty document", "version: 1\n---\n---\nversion: 1\nmatch: {functions: [x]}\n", `p:3:1: want a policy, got nothing`},
		{"second default", "version: 1\n---\nversion: 1\n", `p:3:1: is a second default policy: give one of them match.functions; the first is p:1`},
		{"pattern twice", "version: 1\nmatch: {functions: [a, b]}\n---\nversion: 1\nmatch: {functions: [c, a]}\n", `p:5:24: the function pattern "a" stands twice; the first is p:1`},
		{"both documents", "version: 1\nnmae: x\n---\nversion: 1\nsela: off\n", "p:5:1: a policy has no key \"sela\"; did you mean \"seal\"?"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			docs, err := Parse("p", []byte(tt.data))
			if err == nil {
				t.Fatalf("got %d documents, want an error", len(docs))
			}
			if !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got  %v\nwant %s", err, tt.want)
			}
		})
	}
}

func TestBOMIsIgnored(t *testing.T) {
	if _, err := Parse("p", []byte("\xef\xbb\xbfversion: 1\n")); err != nil {
		t.Error(err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(DefaultYAML))
	f.Add([]byte("version: 1\nexec: {allow: [{path: /bin/sh, args: [[-c, 'x \"{y}\" | {z:int}']]}]}"))
	f.Fuzz(func(t *testing.T, data []byte) {
		docs, err := Parse("p", data)
		if err != nil && docs != nil {
			t.Fatal("documents with an error")
		}
		problems, ok := err.(Problems)
		if err != nil && (!ok || len(problems) == 0) {
			t.Fatalf("error %v is not Problems", err)
		}
		for _, p := range problems {
			if p.Line < 1 || p.Column < 1 || p.Message == "" {
				t.Fatalf("problem without a place: %+v", p)
			}
		}
	})
}
