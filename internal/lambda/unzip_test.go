package lambda

import (
	"archive/zip"
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// zipFile is one entry of a ZIP for a test.
type zipFile struct {
	name string
	mode fs.FileMode
	body string
}

func writeZip(t *testing.T, files ...zipFile) string {
	t.Helper()
	var buf bytes.Buffer
	w := zip.NewWriter(&buf)
	for _, f := range files {
		h := &zip.FileHeader{Name: f.name, Method: zip.Deflate}
		if f.mode != 0 {
			h.SetMode(f.mode)
		}
		out, err := w.CreateHeader(h)
		if err == nil {
			_, err = out.Write([]byte(f.body))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "package.zip")
	if err := os.WriteFile(path, buf.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestUnpackRefuses(t *testing.T) {
	tests := []struct {
		name  string
		files []zipFile
		want  string
	}{
		{"parent", []zipFile{{"../evil", 0o644, "x"}}, ""},
		{"parent inside", []zipFile{{"a/../../evil", 0o644, "x"}}, ""},
		{"absolute", []zipFile{{"/evil", 0o644, "x"}}, ""},
		{"backslash", []zipFile{{`..\evil`, 0o644, "x"}}, ""},
		{"through a link", []zipFile{{"dir", fs.ModeSymlink | 0o777, "../outside"}, {"dir/evil", 0o644, "x"}}, "dir/evil"},
		{"through an absolute link", []zipFile{{"dir", fs.ModeSymlink | 0o777, "/tmp"}, {"dir/evil-of-thimble", 0o644, "x"}}, "dir/evil"},
		{"device", []zipFile{{"null", fs.ModeDevice | 0o666, ""}}, "neither file"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			base := t.TempDir()
			inside, outside := filepath.Join(base, "in"), filepath.Join(base, "outside")
			for _, dir := range []string{inside, outside} {
				if err := os.Mkdir(dir, 0o755); err != nil {
					t.Fatal(err)
				}
			}
			budget := int64(1000)
			err := unpack(writeZip(t, tt.files...), inside, &budget)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want an error with %q", err, tt.want)
			}
			for _, evil := range []string{filepath.Join(base, "evil"), filepath.Join(outside, "evil"), "/evil", "/tmp/evil-of-thimble"} {
				if _, err := os.Lstat(evil); err == nil {
					t.Errorf("%s was written", evil)
				}
			}
		})
	}
}

func TestUnpackKeepsModesAndLinks(t *testing.T) {
	dir := t.TempDir()
	budget := int64(1000)
	err := unpack(writeZip(t,
		zipFile{"bin/", fs.ModeDir | 0o755, ""},
		zipFile{"bin/tool", 0o755, "tool"},
		zipFile{"secret", 0o600, "s"},
		zipFile{"read-only", 0o444, "r"},
		zipFile{"plain", 0, "p"},
		zipFile{"link", fs.ModeSymlink | 0o777, "bin/tool"},
		zipFile{"deep/er/file", 0o644, "d"},
	), dir, &budget)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]fs.FileMode{
		"bin/tool": 0o755, "secret": 0o600, "read-only": 0o444, "plain": 0o644, "deep/er": fs.ModeDir | 0o755, "bin": fs.ModeDir | 0o755,
	} {
		info, err := os.Lstat(filepath.Join(dir, name))
		if err != nil || info.Mode()&^fs.ModeSetgid != want {
			t.Errorf("%s: got %v, %v, want %s", name, info, err, want)
		}
	}
	if target, err := os.Readlink(filepath.Join(dir, "link")); target != "bin/tool" {
		t.Errorf("link: got %q, %v", target, err)
	}
}

func TestUnpackLastWins(t *testing.T) {
	dir := t.TempDir()
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "c"), []byte("from a folder"), 0o644); err != nil {
		t.Fatal(err)
	}
	budget := int64(1000)
	for _, layer := range []string{
		writeZip(t, zipFile{"a", 0o644, "first"}, zipFile{"b/x", 0o644, "first"}, zipFile{"c", 0o644, "first"}),
		writeZip(t, zipFile{"a", 0o755, "second"}, zipFile{"b", 0o644, "a file now"}),
		folder,
	} {
		if err := unpack(layer, dir, &budget); err != nil {
			t.Fatal(err)
		}
	}
	for name, want := range map[string]string{"a": "second", "b": "a file now", "c": "from a folder"} {
		if got, err := os.ReadFile(filepath.Join(dir, name)); string(got) != want {
			t.Errorf("%s: got %q, %v, want %q", name, got, err, want)
		}
	}
}

// TestUnpackBudget: a small ZIP may hold a lot of zeros.
func TestUnpackBudget(t *testing.T) {
	budget := int64(100)
	path := writeZip(t, zipFile{"a", 0o644, strings.Repeat("0", 60)}, zipFile{"b", 0o644, strings.Repeat("0", 60)})
	if err := unpack(path, t.TempDir(), &budget); !errors.Is(err, errTooBig) {
		t.Errorf("got %v, want %v", err, errTooBig)
	}
}

func TestUnpackNoZip(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.zip")
	if err := os.WriteFile(path, []byte("no ZIP"), 0o644); err != nil {
		t.Fatal(err)
	}
	budget := int64(100)
	for _, p := range []string{path, path + ".missing"} {
		if err := unpack(p, t.TempDir(), &budget); err == nil {
			t.Errorf("%s: no error", p)
		}
	}
}

// FuzzUnpack: whatever a ZIP says, nothing appears outside.
func FuzzUnpack(f *testing.F) {
	f.Add("a/b", "target", "a/b/c")
	f.Add("a", "..", "a/evil")
	f.Add("a/../..", "/", "x")
	f.Fuzz(func(t *testing.T, first, target, second string) {
		if strings.HasSuffix(first, "/") || strings.HasSuffix(second, "/") {
			return // archive/zip writes no content for a folder
		}
		base := t.TempDir()
		inside := filepath.Join(base, "in")
		if err := os.Mkdir(inside, 0o755); err != nil {
			t.Fatal(err)
		}
		path := writeZip(t, zipFile{first, fs.ModeSymlink | 0o777, target}, zipFile{second, 0o644, "x"})
		budget := int64(1000)
		unpack(path, inside, &budget) // an error is as good
		entries, err := os.ReadDir(base)
		if err != nil || len(entries) != 1 {
			t.Errorf("%q, %q, %q: outside: %v, %v", first, target, second, entries, err)
		}
	})
}
