package doctor

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// fakeLibrary compiles a library that writes a started event where it is told to, as the enforcer does.
func fakeLibrary(t *testing.T) []byte {
	t.Helper()
	const source = `
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
__attribute__((constructor)) static void start(void) {
    const char *events = getenv("THIMBLE_EVENTS"), *policy = getenv("THIMBLE_POLICY");
    const char *line = "{\"thimble\":1,\"action\":\"started\",\"uncovered\":[\"load\"],\"not_enforced\":[\"net\"]}\n";
    char head[4] = {0};
    int from = open(policy, O_RDONLY);
    if (read(from, head, 3) != 3 || strcmp(head, "pol")) return;
    int to = strncmp(events, "fd:", 3) == 0 ? atoi(events + 3) : open(events + 5, O_WRONLY | O_CREAT, 0600);
    if (write(to, line, strlen(line)) < 0) _exit(1);
}`
	path := t.TempDir() + "/fake.so"
	cmd := exec.Command("cc", "-shared", "-fPIC", "-o", path, "-x", "c", "-")
	cmd.Stdin = strings.NewReader(source)
	if talk, err := cmd.CombinedOutput(); err != nil {
		if os.Getenv("THIMBLE_TEST_STRICT") == "1" {
			t.Fatalf("compile a library: %v\n%s", err, talk)
		}
		t.Skipf("SKIPPED: no C compiler: %v", err)
	}
	library, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return library
}

func TestPreload(t *testing.T) {
	library := fakeLibrary(t)
	tests := []struct {
		name    string
		library []byte
		tempErr error
		place   string
		want    Answer
	}{
		{"from /tmp", library, nil, "/tmp", Yes},
		{"from memory", library, errors.New("read-only"), "memory", Yes},
		{"no library at all", []byte("text"), nil, "", Unknown}, // exec_tmp was not asked, so /tmp may be to blame
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e := &examination{ctx: context.Background(), Options: Options{
				Library: func(string) ([]byte, error) { return tt.library, nil }, Policy: []byte("pol"),
			}}
			defer e.begin()()
			if tt.tempErr != nil {
				e.tempErr = tt.tempErr
			}
			got := e.preload()
			if got.Answer != tt.want || !strings.Contains(got.Detail, tt.place) {
				t.Errorf("got %+v, want %s from %s", got, tt.want, tt.place)
			}
			if (e.start.Action == "started") != (tt.want == Yes) {
				t.Errorf("event %+v", e.start)
			}
		})
	}
}

// TestPreloadRefused: where programs in /tmp run, a library that does not load from there is to blame itself.
func TestPreloadRefused(t *testing.T) {
	e := &examination{ctx: context.Background(), results: []Result{{ID: "exec_tmp", Answer: Yes}}, Options: Options{
		Library: func(string) ([]byte, error) { return []byte("text"), nil },
	}}
	defer e.begin()()
	if got := e.preload(); got.Answer != No || !strings.Contains(got.Detail, "said: ") {
		t.Errorf("got %+v, want no and what the loader said", got)
	}
}
