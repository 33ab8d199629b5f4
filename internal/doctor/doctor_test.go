package doctor

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

var errNoLibrary = errors.New("no library in this test")

func examineHere(ctx context.Context, t *testing.T) Report {
	t.Helper()
	return Examine(ctx, Options{
		Version: "test",
		Library: func(string) ([]byte, error) { return nil, errNoLibrary },
	})
}

func TestExamineAnswersEveryProbe(t *testing.T) {
	r := examineHere(context.Background(), t)
	if len(r.Probes) != len(probes) {
		t.Fatalf("got %d answers to %d probes", len(r.Probes), len(probes))
	}
	for i, p := range r.Probes {
		if p.ID != probes[i].id || p.Asks == "" || p.Means == "" {
			t.Errorf("probe %d: incomplete: %+v", i, p)
		}
		if !slices.Contains([]Answer{Yes, No, Unknown}, p.Answer) {
			t.Errorf("%s: answer %q", p.ID, p.Answer)
		}
		if p.Answer == Unknown && p.Detail == "" {
			t.Errorf("%s: unknown, and no word why", p.ID)
		}
	}
	if r.Runs || r.Tier != TierNone || !strings.Contains(r.Why, errNoLibrary.Error()) {
		t.Errorf("without a library: runs %v, tier %q, why %q", r.Runs, r.Tier, r.Why)
	}
}

// TestExamineLeavesNothingBehind: what is irreversible happened to other processes, which are gone, and the files too.
func TestExamineLeavesNothingBehind(t *testing.T) {
	before := processState(t)
	filesBefore := folders(t)
	r := examineHere(context.Background(), t)
	if after := processState(t); after != before {
		t.Errorf("the doctor's process changed:\nbefore %s\nafter  %s", before, after)
	}
	for _, folder := range folders(t) {
		if !slices.Contains(filesBefore, folder) && stays(folder) {
			t.Errorf("left behind: %s", folder)
		}
	}
	children, err := os.ReadFile("/proc/thread-self/children")
	if err == nil && len(children) > 0 {
		t.Errorf("processes left behind: %s", children)
	}
	if find(r.Probes, "no_new_privs").Answer == Unknown {
		t.Error("nothing irreversible was tried, so this test shows nothing")
	}
}

// processState is what the irreversible probes would change.
func processState(t *testing.T) string {
	t.Helper()
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	keep := regexp.MustCompile(`(?m)^(Name|TracerPid|Uid|NoNewPrivs|Seccomp|Seccomp_filters):.*$`)
	return strings.Join(keep.FindAllString(string(status), -1), "; ")
}

// stays reports whether a folder is really left behind: one of another doctor, run by another package's tests at the same time,
// goes away by itself.
func stays(folder string) bool {
	for range 300 {
		if _, err := os.Stat(folder); err != nil {
			return false
		}
		time.Sleep(100 * time.Millisecond)
	}
	return true
}

func folders(t *testing.T) []string {
	t.Helper()
	var found []string
	for _, pattern := range []string{tempFolder + "/thimble-doctor-*", "/dev/shm/thimble-doctor-*"} {
		names, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		found = append(found, names...)
	}
	return found
}

func TestExamineWithoutTime(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	for _, p := range examineHere(ctx, t).Probes {
		if p.Answer != Unknown {
			t.Errorf("%s: %s after the time was up", p.ID, p.Answer)
		}
	}
}

// TestProbeIDs: reports of different versions are compared by id.
func TestProbeIDs(t *testing.T) {
	want := strings.Fields(`kernel cpu libc uid no_new_privs seccomp pr_set_name pr_set_pdeathsig ptrace process_vm_readv
		landlock user_namespaces memfd memfd_exec io_uring tmp_writable exec_tmp root_read_only task_read_only opt_read_only
		dev_shm fallocate proc proc_self_exe openat2 execveat_empty_path lease_tmp text_private ld_preload`)
	var got []string
	for _, p := range probes {
		got = append(got, p.id)
		if (p.look == nil) == (p.try == nil) {
			t.Errorf("%s: want either look or try", p.id)
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("ids are part of the format; append new ones and change none:\ngot  %q\nwant %q", got, want)
	}
}

func TestRunChild(t *testing.T) {
	tests := []struct {
		id   string
		want Answer
	}{
		{helperExit, Yes},     // a program that proves by its exit status that it ran
		{"nothing", Unknown},  // no such probe
		{helperHold, Unknown}, // ends without an answer
	}
	for _, tt := range tests {
		if got := runChild(context.Background(), tt.id, t.TempDir()); got.Answer != tt.want {
			t.Errorf("%s: got %+v, want %s", tt.id, got, tt.want)
		}
	}
}

// TestTinyProgramRuns: two probes rest on it.
func TestTinyProgramRuns(t *testing.T) {
	if got := runChild(context.Background(), "exec_tmp", t.TempDir()); got.Answer != Yes {
		t.Errorf("got %+v, want yes: either %s forbids execution or the program is wrong", got, os.TempDir())
	}
}
