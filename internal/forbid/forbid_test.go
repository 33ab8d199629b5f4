package forbid

import (
	"encoding/hex"
	"os"
	"slices"
	"strings"
	"testing"
)

func lookup(t *testing.T, name string) Set {
	t.Helper()
	set, ok := Lookup(name)
	if !ok {
		t.Fatalf("Lookup(%q): no such set", name)
	}
	return set
}

func TestEverySetIsThere(t *testing.T) {
	for _, name := range Names() {
		if got := lookup(t, name).Name; got != name {
			t.Errorf("set %q calls itself %q", name, got)
		}
	}
	if _, ok := Lookup("no-such-set"); ok {
		t.Error("Lookup found a set that does not exist")
	}
}

func TestEntriesAreSortedUniqueAndSourced(t *testing.T) {
	for _, name := range Names() {
		set := lookup(t, name)
		if set.Title == "" {
			t.Errorf("%s: no title", name)
		}
		for i, e := range set.Entries {
			if i > 0 && set.Entries[i-1].ID >= e.ID {
				t.Errorf("%s: entry %q does not follow %q in order", name, e.ID, set.Entries[i-1].ID)
			}
			checkEntry(t, name+"/"+e.ID, e)
		}
	}
}

func checkEntry(t *testing.T, where string, e Entry) {
	t.Helper()
	if len(e.Names)+len(e.SHA256)+len(e.Signatures) == 0 {
		t.Errorf("%s: nothing to recognise it by", where)
	}
	if len(e.Source) < 8 || strings.ContainsAny(e.Source, "\n|") {
		t.Errorf("%s: source %q", where, e.Source)
	}
	checkNames(t, where, e.Names)
	checkDigests(t, where, e.SHA256)
	for _, s := range e.Signatures {
		checkSignature(t, where, s)
	}
}

func checkNames(t *testing.T, where string, names []string) {
	t.Helper()
	if !slices.IsSorted(names) || len(slices.Compact(slices.Clone(names))) != len(names) {
		t.Errorf("%s: names are not sorted and unique: %q", where, names)
	}
	for _, n := range names {
		if n == "" || n != strings.ToLower(n) || strings.ContainsAny(n, "/ []{}`|") {
			t.Errorf("%s: name %q is no lower-case glob over base names", where, n)
		}
	}
}

func checkDigests(t *testing.T, where string, digests []string) {
	t.Helper()
	if !slices.IsSorted(digests) || len(slices.Compact(slices.Clone(digests))) != len(digests) {
		t.Errorf("%s: digests are not sorted and unique", where)
	}
	for _, d := range digests {
		if b, err := hex.DecodeString(d); err != nil || len(b) != 32 || d != strings.ToLower(d) {
			t.Errorf("%s: %q is no lower-case SHA-256", where, d)
		}
	}
}

// The enforcer feeds files through in chunks and keeps the patterns in the blob: both ask for strings of modest length.
func checkSignature(t *testing.T, where string, s Signature) {
	t.Helper()
	if len(s.All) == 0 || len(s.Why) < 30 {
		t.Errorf("%s: signature %q without strings or reason", where, s.All)
	}
	for _, part := range s.All {
		if len(part) < 8 || len(part) > 96 {
			t.Errorf("%s: string %q has %d bytes, want 8 to 96", where, part, len(part))
		}
	}
}

// No name, digest or signature stands twice: the rule that an event names must be the only one that it could be.
func TestNothingIsListedTwice(t *testing.T) {
	seen := map[string]string{}
	for _, name := range Names() {
		for _, e := range lookup(t, name).Entries {
			keys := slices.Concat(e.Names, e.SHA256)
			for _, s := range e.Signatures {
				keys = append(keys, strings.Join(s.All, "\x00"))
			}
			for _, key := range keys {
				where := name + "/" + e.ID
				if other := seen[key]; other != "" {
					t.Errorf("%q stands in %s and %s", key, other, where)
				}
				seen[key] = where
			}
		}
	}
}

func TestSetsAreAsLargeAsPromised(t *testing.T) {
	tests := map[string]int{"miners": 60, "offensive-tools": 80, "downloaders": 15, "shells": 12, "interpreters": 15}
	for name, want := range tests {
		if got := len(lookup(t, name).Entries); got < want {
			t.Errorf("set %q has %d entries, want at least %d", name, got, want)
		}
	}
}

func TestMatchName(t *testing.T) {
	tests := []struct {
		glob, name string
		want       bool
	}{
		{"xmrig*", "XMRig-6.21", true},
		{"xmrig", "xmrigs", false},
		{"*rig", "xmrig", true},
		{"*a*b", "xaxxb", true},
		{"*a*b", "xaxxbx", false},
		{"lua5.?", "lua5.4", true},
		{"lua5.?", "lua5.", false},
		{"*", "", true},
		{"?", "", false},
		{"", "", true},
		{"", "x", false},
		{"a**", "a", true},
		{"Å", "å", false}, // only ASCII letters are folded
	}
	for _, tt := range tests {
		if got := MatchName(tt.glob, tt.name); got != tt.want {
			t.Errorf("MatchName(%q, %q) = %v, want %v", tt.glob, tt.name, got, tt.want)
		}
	}
}

func TestSignatureNeedsAllStrings(t *testing.T) {
	s := Signature{All: []string{"one-half", "other-half"}}
	if s.Matches([]byte("xx one-half xx")) || !s.Matches([]byte("other-half one-half")) {
		t.Error("Matches does not ask for all strings")
	}
	if (Signature{}).Matches([]byte("anything")) {
		t.Error("an empty signature matches")
	}
}

func TestDocsListTheSets(t *testing.T) {
	doc, err := os.ReadFile("../../docs/curated-sets.md")
	if err != nil {
		t.Fatal(err)
	}
	if _, tables, _ := strings.Cut(string(doc), "<!-- generated below -->\n"); tables != Markdown() {
		t.Error("docs/curated-sets.md is out of date; run: THIMBLE_UPDATE=1 go test ./internal/forbid -run Docs")
	}
}

// TestMain rewrites the generated half of the documentation when asked to.
func TestMain(m *testing.M) {
	if os.Getenv("THIMBLE_UPDATE") != "" {
		const path = "../../docs/curated-sets.md"
		doc, err := os.ReadFile(path)
		if err != nil {
			panic(err)
		}
		head, _, _ := strings.Cut(string(doc), "<!-- generated below -->\n")
		if err := os.WriteFile(path, []byte(head+"<!-- generated below -->\n"+Markdown()), 0o644); err != nil {
			panic(err)
		}
	}
	os.Exit(m.Run())
}
