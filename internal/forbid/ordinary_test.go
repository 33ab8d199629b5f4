package forbid

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// ordinaryTools are names of the committed list that are themselves listed tools.
var ordinaryTools = map[string]bool{}

// Refusing an ordinary program would break a function: names must keep clear of what Debian and Amazon Linux ship and of
// the commands that npm and Python packages install.
func TestNamesKeepClearOfOrdinaryPrograms(t *testing.T) {
	list, err := os.ReadFile("testdata/ordinary.txt")
	if err != nil {
		t.Fatal(err)
	}
	programs := strings.Fields(string(list))
	if len(programs) < 1000 {
		t.Fatalf("testdata/ordinary.txt has %d names only", len(programs))
	}
	for _, set := range []string{"miners", "offensive-tools"} {
		for _, e := range lookup(t, set).Entries {
			for _, glob := range e.Names {
				for _, program := range programs {
					if MatchName(glob, program) && !ordinaryTools[program] {
						t.Errorf("%s/%s: name %q matches the ordinary program %q", set, e.ID, glob, program)
					}
				}
			}
		}
	}
}

// prefixFilter finds the places where some signature's first string may begin, so that a gigabyte is read in seconds.
type prefixFilter struct {
	first map[uint32][]candidate
	bits  [1 << 16]bool
}

type candidate struct {
	where string
	sig   Signature
}

func newPrefixFilter(t *testing.T) *prefixFilter {
	f := &prefixFilter{first: map[uint32][]candidate{}}
	for _, name := range Names() {
		for _, e := range lookup(t, name).Entries {
			for _, s := range e.Signatures {
				key := prefix([]byte(s.All[0]))
				f.first[key] = append(f.first[key], candidate{name + "/" + e.ID, s})
				f.bits[fold(key)] = true
			}
		}
	}
	return f
}

func prefix(b []byte) uint32 {
	return uint32(b[0]) | uint32(b[1])<<8 | uint32(b[2])<<16 | uint32(b[3])<<24
}

func fold(key uint32) uint16 { return uint16(key * 2654435761 >> 16) }

func (f *prefixFilter) match(data []byte) (string, bool) {
	for i := 0; i+8 <= len(data); i++ {
		key := prefix(data[i:])
		if !f.bits[fold(key)] {
			continue
		}
		for _, c := range f.first[key] {
			if strings.HasPrefix(string(data[i:min(len(data), i+len(c.sig.All[0]))]), c.sig.All[0]) && c.sig.Matches(data) {
				return c.where, true
			}
		}
	}
	return "", false
}

func TestPrefixFilterFindsWhatItShould(t *testing.T) {
	f := newPrefixFilter(t)
	for _, name := range Names() {
		for _, e := range lookup(t, name).Entries {
			for _, s := range e.Signatures {
				data := []byte("\x7fELF....." + strings.Join(s.All, "\x00....") + "\x00.......")
				if _, ok := f.match(data); !ok {
					t.Errorf("%s/%s: signature %q is not found", name, e.ID, s.All)
				}
			}
		}
	}
}

// ordinaryBudget bounds the bytes read from one tree; THIMBLE_TEST_FULL reads everything.
const ordinaryBudget = 400 << 20

func TestSignaturesKeepClearOfOrdinaryFiles(t *testing.T) {
	f := newPrefixFilter(t)
	for _, root := range []string{"/usr/bin", "/usr/sbin", "/usr/lib"} {
		left := int64(ordinaryBudget)
		err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if err != nil || !d.Type().IsRegular() {
				return nil
			}
			info, err := d.Info()
			if err != nil || info.Size() > 64<<20 {
				return nil
			}
			if left -= info.Size(); left < 0 && os.Getenv("THIMBLE_TEST_FULL") == "" {
				return filepath.SkipAll
			}
			checkOrdinaryFile(t, f, path)
			return nil
		})
		if err != nil {
			t.Errorf("walk %s: %v", root, err)
		}
		if left < 0 && os.Getenv("THIMBLE_TEST_FULL") == "" {
			t.Logf("%s: SKIPPED everything after the first %d MiB; set THIMBLE_TEST_FULL=1 to read all", root, ordinaryBudget>>20)
		}
	}
}

func checkOrdinaryFile(t *testing.T, f *prefixFilter, path string) {
	data, err := os.ReadFile(path)
	if err != nil {
		return // not ours to read
	}
	if where, ok := f.match(data); ok && !ordinaryTools[filepath.Base(path)] {
		t.Errorf("%s matches a signature of %s", path, where)
	}
}
