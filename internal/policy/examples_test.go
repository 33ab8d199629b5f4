package policy

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
)

// Every example is right, and does what testdata/examples.jsonl says of it.
func TestExamples(t *testing.T) {
	files, err := filepath.Glob("../../examples/policies/*.yaml")
	if err != nil || len(files) < 12 {
		t.Fatalf("%d examples, want a dozen: %v", len(files), err)
	}
	judged := map[string]int{}
	policies := map[string][]Policy{}
	for _, file := range files {
		docs, err := Load([]string{file}, nil)
		if err != nil {
			t.Errorf("%v", err)
		}
		for _, d := range docs {
			if len(d.Notes) > 0 {
				t.Errorf("%v", Problems(d.Notes))
			}
		}
		policies[strings.TrimSuffix(filepath.Base(file), ".yaml")] = Policies(docs)
	}
	for _, line := range strings.Split(strings.TrimSpace(string(readTestdata(t, "examples.jsonl"))), "\n") {
		var c struct {
			File, Want string
			Request    json.RawMessage
		}
		if err := json.Unmarshal([]byte(line), &c); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		judged[c.File]++
		if got := exampleVerdict(t, policies[c.File], c.Request); got != c.Want {
			t.Errorf("%s: got %s, want %s for %s", c.File, got, c.Want, c.Request)
		}
	}
	for name := range policies {
		if judged[name] == 0 {
			t.Errorf("%s: no request in testdata/examples.jsonl", name)
		}
	}
}

func exampleVerdict(t *testing.T, policies []Policy, request []byte) string {
	t.Helper()
	rq, err := ParseRequest(request)
	if err != nil {
		t.Fatalf("%s: %v", request, err)
	}
	p := Select(policies, rq.Function)
	if p == nil {
		return "no policy"
	}
	v := p.Decide(rq, Curated)
	keep := ""
	if v.KeepCredentials && p.Credentials.Mode == Enforce {
		keep = " keep"
	}
	return string(v.Action) + " " + v.Rule + keep
}
