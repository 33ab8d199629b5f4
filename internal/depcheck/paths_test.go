package depcheck

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// machinePath matches absolute paths of somebody's machine. /home/sbx_… is Lambda's own, in every function.
var machinePath = regexp.MustCompile(`(?:^|[^\w./*-])(/(?:` + strings.Join([]string{
	`work/\w`, `root/[\w.]`, `Users/\w`, `home/(?:[a-rt-z]|s[a-ac-z])\w*/`, `private/var/folders/`,
}, "|") + `)[^\s"'` + "`" + `]*)`)

// TestNoMachinePaths: what is committed must read the same wherever it is checked out.
func TestNoMachinePaths(t *testing.T) {
	for _, name := range committed(t) {
		text, err := os.ReadFile(filepath.Join(root, name))
		if err != nil || bytes.IndexByte(text, 0) >= 0 {
			continue // deleted but not yet committed, a folder, or not text
		}
		for i, line := range bytes.Split(text, []byte("\n")) {
			if m := machinePath.FindSubmatch(line); m != nil {
				t.Errorf("%s:%d: names a path of one machine: %q", name, i+1, m[1])
			}
		}
	}
}

func TestMachinePath(t *testing.T) {
	tests := map[string]bool{
		"see /" + "work/main/x.go":   true,
		"(/" + "root/.cache/x)":      true,
		"/" + "home/alice/src/":      true,
		"HOME=/home/sbx_user1051":    false,
		"/proc/self/root/tmp/x":      false,
		"docs/work/notes":            false,
		"the /work folder":           false,
		"a path=/" + "Users/bob/src": true,
	}
	for line, want := range tests {
		if got := machinePath.MatchString(line); got != want {
			t.Errorf("%q: got %v, want %v", line, got, want)
		}
	}
}

// committed lists what git has or would add.
func committed(t *testing.T) []string {
	t.Helper()
	cmd := exec.Command("git", "-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
	cmd.Dir = root
	out, err := cmd.Output()
	if err != nil {
		if os.Getenv("THIMBLE_TEST_STRICT") == "1" {
			t.Fatalf("list committed files: %v", err)
		}
		t.Skipf("list committed files: %v (not a git checkout?)", err)
	}
	return strings.Split(strings.TrimRight(string(out), "\x00"), "\x00")
}
