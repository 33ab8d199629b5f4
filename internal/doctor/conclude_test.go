package doctor

import (
	"errors"
	"slices"
	"testing"
)

func ids(items []Item) []string {
	var names []string
	for _, item := range items {
		names = append(names, item.ID)
	}
	return names
}

func TestConclude(t *testing.T) {
	loaded := Result{ID: "ld_preload", Answer: Yes}
	base := []string{"raw_system_calls", "static_binaries", "interpreted_code", "in_process_code", "reading_files", "other_processes"}
	tests := []struct {
		name      string
		results   []Result
		start     startEvent
		runs      bool
		seal      Answer
		uncovered []string
		pending   []string
	}{
		{
			"nothing asked", nil, startEvent{}, false, Unknown, []string{"everything"}, []string{"everything"},
		}, {
			"loaded", []Result{loaded}, startEvent{NotEnforced: []string{"seal"}}, true, Unknown, base, []string{"seal"},
		}, {
			"not loaded", []Result{{ID: "ld_preload", Answer: No, Detail: "x"}, {ID: "seccomp", Answer: Yes}},
			startEvent{}, false, Yes, []string{"everything"}, []string{"everything"},
		}, {
			"no libc to hook", []Result{loaded}, startEvent{Uncovered: []string{"libc"}}, false, Unknown,
			[]string{"everything"}, []string{"everything"},
		}, {
			"open platform", []Result{
				loaded, {ID: "seccomp", Answer: Yes}, {ID: "uid", Answer: No}, {ID: "io_uring", Answer: Yes},
			}, startEvent{}, true, Yes, append(slices.Clone(base), "root", "io_uring"), nil,
		}, {
			"Lambda", []Result{
				loaded, {ID: "seccomp", Answer: No, Errno: "EPERM"}, {ID: "uid", Answer: Yes}, {ID: "ptrace", Answer: No},
				{ID: "process_vm_readv", Answer: Yes}, {ID: "io_uring", Answer: No},
			}, startEvent{}, true, No, append(slices.Clone(base), "process_vm"), nil,
		}, {
			"reported by the enforcer", []Result{loaded},
			startEvent{
				Uncovered:   []string{"raw system calls of native code", "static binaries", "load", "of a later version"},
				NotEnforced: []string{"net", "of a later version"},
			}, true, Unknown, append(slices.Clone(base), "load", "of a later version"), []string{"net", "of a later version"},
		},
	}
	library := func(string) ([]byte, error) { return []byte("x"), nil }
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := conclude(Options{Library: library}, tt.results, tt.start)
			if r.Runs != tt.runs || (r.Tier == TierLibrary) != tt.runs || (r.Why == "") != tt.runs {
				t.Errorf("runs %v, tier %q, why %q; want runs %v", r.Runs, r.Tier, r.Why, tt.runs)
			}
			if r.Seal.Possible != tt.seal || r.Seal.Enforced {
				t.Errorf("seal %+v, want possible %s and never enforced", r.Seal, tt.seal)
			}
			if got := ids(r.Uncovered); !slices.Equal(got, tt.uncovered) {
				t.Errorf("uncovered\ngot  %q\nwant %q", got, tt.uncovered)
			}
			if got := ids(r.NotEnforced); !slices.Equal(got, tt.pending) {
				t.Errorf("not enforced: got %q, want %q", got, tt.pending)
			}
			for _, item := range append(r.Uncovered, r.NotEnforced...) {
				if item.Text == "" {
					t.Errorf("%s is not explained", item.ID)
				}
			}
		})
	}
}

// TestConditionalNamesProbes: a misspelt id would leave a path unnamed for ever.
func TestConditionalNamesProbes(t *testing.T) {
	for _, c := range conditional {
		if !slices.ContainsFunc(probes, func(p probe) bool { return p.id == c.probe }) {
			t.Errorf("%s depends on %q, which is no probe", c.item.ID, c.probe)
		}
	}
}

func TestStarted(t *testing.T) {
	on := `{"thimble":1,"control":"start","action":"started","uncovered":["load"],"not_enforced":["net"],"tier":"library"}` + "\n"
	off := `{"thimble":1,"control":"start","action":"unprotected","detail":"the policy is damaged","tier":"none"}` + "\n"
	failed := errors.New("exit status 1")
	tests := []struct {
		name, events, talk string
		err                error
		want               Answer
	}{
		{"started", on, "", nil, Yes},
		{"started after other lines", "noise\n{\"x\":1}\n" + on, "", nil, Yes},
		{"another event alone", `{"thimble":1,"action":"denied"}`, "", nil, No},
		{"started, but the program failed", on, "", failed, No},
		{"unprotected", off, "", nil, No},
		{"not loaded", "", "ld.so: cannot be preloaded: ignored.", nil, No},
		{"a format of the future", `{"thimble":2,"action":"started"}`, "", nil, No},
		{"silence", "", "", nil, No},
	}
	for _, tt := range tests {
		got := started(findStart([]byte(tt.events)), "/bin/true", tt.talk, tt.err)
		if got.Answer != tt.want || got.Detail == "" {
			t.Errorf("%s: got %+v, want %s with a detail", tt.name, got, tt.want)
		}
	}
}
