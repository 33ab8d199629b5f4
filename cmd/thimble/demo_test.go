package main

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"thimble/internal/demo"
)

var sampleReport = demo.Report{
	Attacks: []demo.Outcome{
		{Name: "dump", Wants: "the key", Loot: "key", Without: demo.Result{Got: true},
			With: demo.Result{StoppedBy: "exec", Rule: "exec.children"}},
		{Name: "silent", Wants: "a shell", Loot: "shell", Without: demo.Result{Got: true}},
		{Name: "leak", Wants: "the key", Loot: "key", Without: demo.Result{Got: true}, With: demo.Result{Got: true}},
	},
	GoodWithout: demo.Tally{Made: 3},
	GoodWith:    demo.Tally{Made: 3, Broken: []demo.Broken{{Request: "document", When: "after leak", Status: 500}}},
	Overhead:    &demo.Overhead{Rounds: 2, ColdWithout: 1e6, ColdWith: 1.25e6, WarmWithout: 2e6, WarmWith: 2e6},
}

func TestDemoTable(t *testing.T) {
	var out bytes.Buffer
	if err := printDemo(&out, &sampleReport, "table"); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"dump    the key             key              nothing       exec        exec.children\n",
		"leak    the key             key              key           -           -\n",
		"attacks that got through: 3 of 3 without Thimble, 1 with it\n",
		"without an event that says why: 1\n",
		"good requests broken: 0 of 3 without Thimble, 1 of 3 with it\n",
		"broken: document, after leak: status 500",
		"cold start  1.00 ms  1.25 ms     0.25 ms",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in:\n%s", want, out.String())
		}
	}
}

func TestDemoJSON(t *testing.T) {
	var out bytes.Buffer
	if err := printDemo(&out, &sampleReport, "json"); err != nil {
		t.Fatal(err)
	}
	var got struct {
		Through int  `json:"attacks_that_got_through"`
		Broken  int  `json:"good_requests_broken"`
		Passed  bool `json:"passed"`
	}
	if err := json.Unmarshal(out.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	if got.Through != 1 || got.Broken != 1 || got.Passed {
		t.Errorf("got %+v", got)
	}
}
