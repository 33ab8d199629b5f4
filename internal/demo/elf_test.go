package demo

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func TestProgramPrints(t *testing.T) {
	program, err := buildProgram("native code ran\n", []byte("a tail that nobody reads"))
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "program")
	if err := os.WriteFile(path, program, 0o755); err != nil {
		t.Fatal(err)
	}
	got, err := exec.Command(path).Output()
	if err != nil || string(got) != "native code ran\n" {
		t.Errorf("program printed %q, %v", got, err)
	}
}

func TestLibraryRunsWhenLoaded(t *testing.T) {
	dir := t.TempDir()
	marker := filepath.Join(dir, "ran")
	library, err := buildLibrary(marker, "library code ran")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "library.so")
	if err := os.WriteFile(path, library, 0o644); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("/bin/echo", "host unharmed")
	cmd.Env = []string{"LD_PRELOAD=" + path}
	out, err := cmd.CombinedOutput()
	if err != nil || strings.TrimSpace(string(out)) != "host unharmed" {
		t.Fatalf("host of the library: %q, %v", out, err)
	}
	if got, err := os.ReadFile(marker); err != nil || string(got) != "library code ran" {
		t.Errorf("marker holds %q, %v", got, err)
	}
}
