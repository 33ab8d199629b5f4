package enforcer

import (
	"bytes"
	"debug/elf"
	"errors"
	"io/fs"
	"os"
	"slices"
	"strings"
	"testing"
)

// maxSize keeps the library a thimble: it is mapped into every process.
const maxSize = 64 << 10

// built calls f for every committed library.
func built(t *testing.T, f func(t *testing.T, arch string, so []byte, file *elf.File)) {
	for _, arch := range Arches {
		t.Run(arch, func(t *testing.T) {
			so, err := Library(arch)
			if err != nil {
				absent(t, err)
			}
			file, err := elf.NewFile(bytes.NewReader(so))
			if err != nil {
				t.Fatal(err)
			}
			f(t, arch, so, file)
		})
	}
}

func absent(t *testing.T, err error) {
	t.Helper()
	if os.Getenv("THIMBLE_TEST_STRICT") == "1" {
		t.Fatal(err)
	}
	t.Skip(err)
}

func TestLibraryUnknownArch(t *testing.T) {
	if so, err := Library("mips"); err == nil || so != nil {
		t.Errorf("Library(mips) = %d bytes, %v; want an error", len(so), err)
	}
}

func TestDigestIsCommitted(t *testing.T) {
	sums, err := lib.ReadFile("lib/SHA256SUMS")
	if errors.Is(err, fs.ErrNotExist) {
		absent(t, err)
	}
	built(t, func(t *testing.T, arch string, _ []byte, _ *elf.File) {
		got, err := Digest(arch)
		if err != nil {
			t.Fatal(err)
		}
		if line := got + "  libthimble-" + arch + ".so\n"; !strings.Contains(string(sums), line) {
			t.Errorf("lib/SHA256SUMS has no line %q", line)
		}
	})
}

func TestLibraryIsSmallAndForItsCPU(t *testing.T) {
	machine := map[string]elf.Machine{"amd64": elf.EM_X86_64, "arm64": elf.EM_AARCH64}
	built(t, func(t *testing.T, arch string, so []byte, file *elf.File) {
		if len(so) >= maxSize {
			t.Errorf("size %d, want below %d", len(so), maxSize)
		}
		if file.Machine != machine[arch] || file.Type != elf.ET_DYN {
			t.Errorf("%v %v, want a shared object for %v", file.Type, file.Machine, machine[arch])
		}
	})
}

// TestLibraryNeedsNothing: it must load under glibc, musl and whatever else, in any process, before anything else.
func TestLibraryNeedsNothing(t *testing.T) {
	refused := []elf.DynTag{elf.DT_NEEDED, elf.DT_RPATH, elf.DT_RUNPATH, elf.DT_TEXTREL, elf.DT_VERNEED, elf.DT_SYMBOLIC}
	built(t, func(t *testing.T, _ string, _ []byte, file *elf.File) {
		for _, tag := range refused {
			if values, _ := file.DynValue(tag); len(values) != 0 {
				t.Errorf("has %v", tag)
			}
		}
		flags, _ := file.DynValue(elf.DT_FLAGS)
		if len(flags) == 0 || elf.DynFlag(flags[0])&elf.DF_BIND_NOW == 0 || elf.DynFlag(flags[0])&elf.DF_TEXTREL != 0 {
			t.Errorf("DT_FLAGS %v, want BIND_NOW and no TEXTREL", flags)
		}
	})
}

func TestLibrarySymbols(t *testing.T) {
	want := exports(t)
	built(t, func(t *testing.T, _ string, _ []byte, file *elf.File) {
		symbols, err := file.DynamicSymbols()
		if err != nil && !errors.Is(err, elf.ErrNoSymbols) {
			t.Fatal(err)
		}
		var got []string
		for _, s := range symbols {
			bind := elf.ST_BIND(s.Info)
			if s.Section == elf.SHN_UNDEF && bind != elf.STB_WEAK {
				t.Errorf("needs %q: only weak references are allowed", s.Name)
			}
			if s.Section != elf.SHN_UNDEF && bind != elf.STB_LOCAL {
				got = append(got, s.Name)
			}
		}
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("exports %q, want %q (exports.txt)", got, want)
		}
	})
}

func exports(t *testing.T) []string {
	t.Helper()
	text, err := os.ReadFile("exports.txt")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for line := range strings.Lines(string(text)) {
		if line = strings.TrimSpace(line); line != "" && line[0] != '#' {
			names = append(names, line)
		}
	}
	slices.Sort(names)
	return names
}

// TestLibrarySegments: nothing is writable and executable, the stack included, and the relocated data turns read-only.
func TestLibrarySegments(t *testing.T) {
	built(t, func(t *testing.T, _ string, _ []byte, file *elf.File) {
		seen := map[elf.ProgType]bool{}
		for _, p := range file.Progs {
			seen[p.Type] = true
			if p.Flags&elf.PF_W != 0 && p.Flags&elf.PF_X != 0 {
				t.Errorf("segment %v at %#x is writable and executable", p.Type, p.Vaddr)
			}
			if p.Type == elf.PT_GNU_STACK && p.Flags&elf.PF_X != 0 {
				t.Error("asks for an executable stack")
			}
			if p.Type == elf.PT_TLS || p.Type == elf.PT_INTERP {
				t.Errorf("has a segment %v", p.Type)
			}
		}
		if !seen[elf.PT_GNU_STACK] {
			t.Error("no PT_GNU_STACK: the stack would be executable")
		}
	})
}

// TestLibraryHasNoDebris: no build paths, no compiler notes, no debug information: the bytes follow from the sources.
func TestLibraryHasNoDebris(t *testing.T) {
	cwd, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	built(t, func(t *testing.T, _ string, so []byte, file *elf.File) {
		if bytes.Contains(so, []byte(cwd)) {
			t.Errorf("contains the path %q", cwd)
		}
		for _, s := range file.Sections {
			if strings.HasPrefix(s.Name, ".debug") || s.Name == ".comment" || s.Name == ".symtab" || s.Name == ".note.gnu.build-id" {
				t.Errorf("has a section %s", s.Name)
			}
		}
	})
}
