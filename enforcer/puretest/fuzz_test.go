//go:build cgo

package puretest

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"slices"
	"strings"
	"testing"

	"thimble/internal/abi"
	"thimble/internal/compile"
	"thimble/internal/policy"
)

func lookupIn(sets map[string]policy.Set) policy.SetLookup {
	return func(name string) (policy.Set, bool) {
		set, ok := sets[name]
		return set, ok
	}
}

// mustCompile returns the blob in C memory, checked, and its bytes.
func mustCompile(t *testing.T, policies []policy.Policy, sets policy.SetLookup) (*Blob, []byte) {
	t.Helper()
	raw, err := compile.Blob(policies, sets)
	if err != nil {
		t.Fatal(err)
	}
	blob := NewBlob(raw)
	t.Cleanup(blob.Free)
	if code := blob.Check(); code != 0 {
		t.Fatalf("tb_blob_check refuses a compiled blob with code %d", code)
	}
	return blob, raw
}

// FuzzDecide: for random policies and requests, the two verdicts are equal.
func FuzzDecide(f *testing.F) {
	for _, seed := range seeds(200) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		s := newSource(data)
		policies, sets := s.policies(), lookupIn(s.sets())
		blob, raw := mustCompile(t, policies, sets)
		decoded, err := abi.Decode(raw)
		if err != nil {
			t.Fatal(err)
		}
		for range 32 {
			rq := s.request(&policies[s.n(len(policies))])
			compareVerdicts(t, blob, decoded.Sets, policies, rq, sets, s.one(2))
		}
	})
}

func compareVerdicts(t *testing.T, blob *Blob, names []string, policies []policy.Policy, rq policy.Request,
	sets policy.SetLookup, ask bool) {
	t.Helper()
	want, selected := policy.Verdict{}, policy.Select(policies, rq.Function)
	record := blob.Select(rq.Function)
	if (selected == nil) != (record == nil) {
		t.Fatalf("function %q: the reference selects %v, C %v", rq.Function, selected, record)
	}
	if selected == nil {
		return
	}
	want = selected.Decide(rq, sets)
	set, _ := sets(rq.Signature)
	ask = ask && len(set.Signatures) > 0 // only such a set can be what a scan finds
	got := blob.Decide(record, rq, 1+slices.Index(names, rq.Signature), ask)
	if got != want {
		t.Fatalf("got %+v, want %+v\npolicy %+v\nrequest %+v", got, want, *selected, rq)
	}
}

// FuzzTemplate: one template, one list, many arguments.
func FuzzTemplate(f *testing.F) {
	for _, seed := range seeds(200) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		s := newSource(data)
		list := append(policy.ArgList{s.arg()}, s.argList()...)
		allow := policy.Allow{Path: "/x", Args: []policy.ArgList{list}}
		blob, _ := mustCompile(t, []policy.Policy{{Exec: policy.Exec{Allow: []policy.Allow{allow}}}}, lookupIn(nil))
		for range 16 {
			arg := pick(s, s.fit(list[0]), s.fit(list[0]), s.text())
			if got, want := blob.MatchTemplate(arg), list[0].Matches(arg); got != want {
				t.Fatalf("template %+v, argument %q: C says %v, the reference %v", list[0], arg, got, want)
			}
			args := s.instance(list)
			if got, want := blob.MatchArgs(args), list.Matches(args); got != want {
				t.Fatalf("list %+v, arguments %q: C says %v, the reference %v", list, args, got, want)
			}
		}
	})
}

// fixUp makes a blob's header say the truth about its size and checksum, so that the rest of it gets looked at.
func fixUp(blob []byte) []byte {
	blob = slices.Clone(blob[:len(blob)/8*8])
	if len(blob) >= 24 {
		copy(blob, abi.Magic)
		binary.LittleEndian.PutUint16(blob[4:], abi.Version)
		binary.LittleEndian.PutUint32(blob[8:], uint32(len(blob)))
		binary.LittleEndian.PutUint64(blob[16:], abi.Checksum(blob))
	}
	return blob
}

// FuzzBlob: any bytes. Both sides accept the same blobs for the same reason, and an accepted one is safe to use.
func FuzzBlob(f *testing.F) {
	for _, seed := range seeds(40) {
		s := newSource(seed)
		raw, err := compile.Blob(s.policies(), lookupIn(s.sets()))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw, seed, true)
		f.Add(raw, seed, false)
		f.Add(seed, seed, true)
	}
	f.Fuzz(func(t *testing.T, raw, requests []byte, fix bool) {
		s := newSource(requests)
		if len(raw) < 100 { // too short for a blob: let it make one, which is then damaged
			g := newSource(raw)
			var err error
			if raw, err = compile.Blob(g.policies(), lookupIn(g.sets())); err != nil {
				t.Fatal(err)
			}
		}
		if fix {
			raw = fixUp(s.damage(raw))
		}
		checkBoth(t, raw, s)
	})
}

// checkBoth has both sides check the blob, and uses it when they accept it.
func checkBoth(t *testing.T, raw []byte, s *source) {
	t.Helper()
	blob := NewBlob(raw)
	defer blob.Free()
	want, got := abi.ProblemNone, abi.Problem(blob.Check())
	if err := abi.Check(raw); err != nil && !errors.As(err, &want) {
		t.Fatal(err)
	}
	if got != want {
		t.Fatalf("C says %d (%v), Go %d (%v)", got, got, want, want)
	}
	if want == abi.ProblemNone {
		useBlob(t, blob, raw, s)
	}
}

// damage changes a few words, mostly to numbers that stand for something in a blob of this size.
func (s *source) damage(raw []byte) []byte {
	raw = slices.Clone(raw)
	for range s.n(4) {
		if len(raw) < 32 {
			break
		}
		at := s.n(len(raw)/4) * 4
		value := pick(s, 0, 1, uint32(s.n(256)), uint32(s.n(len(raw))), uint32(len(raw)), 0xffffffff, 0x80000000)
		switch old := binary.LittleEndian.Uint32(raw[at:]); s.n(4) {
		case 0:
			value = old + 8
		case 1:
			value = old - 1
		}
		binary.LittleEndian.PutUint32(raw[at:], value)
	}
	return raw
}

func useBlob(t *testing.T, blob *Blob, raw []byte, s *source) {
	if decoded, err := abi.Decode(raw); err == nil {
		if again, err := abi.Encode(decoded); err != nil || !bytes.Equal(again, raw) {
			t.Fatalf("a decoded blob does not encode to the same bytes: %v", err)
		}
	}
	blob.SetRule(s.n(1 << 16))
	for range 8 {
		rq := s.request(nil)
		if p := blob.Select(rq.Function); p != nil {
			blob.Decide(p, rq, s.n(256), s.one(2))
			blob.Scan(p, s.chunks([]byte(strings.Repeat("stratum+tcp donate-level ", 40))))
		}
	}
}

// FuzzSHA256: both implementations against the standard library's, whatever the chunks.
func FuzzSHA256(f *testing.F) {
	for _, n := range []int{0, 1, 55, 56, 63, 64, 65, 119, 120, 128, 5000} {
		f.Add(bytes.Repeat([]byte("a"), n), []byte{byte(n)})
	}
	f.Fuzz(func(t *testing.T, data, cuts []byte) {
		s := newSource(cuts)
		if s.one(3) {
			data = bytes.Repeat(data, 1+s.n(50))
		}
		want := sha256.Sum256(data)
		for _, portable := range []bool{false, true} {
			if got := SHA256(s.chunks(data), portable); got != want {
				t.Fatalf("portable %v, %d bytes: got %x, want %x", portable, len(data), got, want)
			}
		}
	})
}

// FuzzScan: the streaming scan finds what a search through the whole file finds.
func FuzzScan(f *testing.F) {
	for _, seed := range seeds(200) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		s := newSource(data)
		sets := s.signatureSets()
		p := policy.Policy{Forbid: policy.Forbid{Sets: some(s, 4, func() string { return pick(s, setNames...) })}}
		blob, raw := mustCompile(t, []policy.Policy{p}, lookupIn(sets))
		decoded, err := abi.Decode(raw)
		if err != nil {
			t.Fatal(err)
		}
		for range 4 {
			file := s.file(sets)
			want := 1 + slices.Index(decoded.Sets, scanReference(&p, sets, file))
			if got := blob.Scan(blob.Select(""), s.chunks(file)); got != want {
				t.Fatalf("got set %d, want %d\nsets %q\nselected %q\nfile %q", got, want, sets, p.Forbid.Sets, file)
			}
		}
	})
}

func scanReference(p *policy.Policy, sets map[string]policy.Set, file []byte) string {
	for _, name := range p.Forbid.Sets {
		for _, signature := range sets[name].Signatures {
			absent := func(pattern string) bool { return !bytes.Contains(file, []byte(pattern)) }
			if !slices.ContainsFunc(signature, absent) {
				return name
			}
		}
	}
	return "none of the sets"
}

func (s *source) signatureSets() map[string]policy.Set {
	sets := map[string]policy.Set{}
	shortest := pick(s, 4, 4, 5, 7, 11, 20)
	for _, name := range setNames {
		set := policy.Set{Name: name}
		set.Signatures = some(s, 3, func() []string {
			return append(some(s, 2, func() string { return s.pattern(shortest) }), s.pattern(shortest))
		})
		sets[name] = set
	}
	return sets
}

// pattern has few different bytes, so that patterns overlap with each other and with themselves.
func (s *source) pattern(shortest int) string {
	b := make([]byte, min(shortest+s.n(pick(s, 1, 4, 40, 125)), abi.MaxPattern))
	for i := range b {
		b[i] = pick(s, []byte("aab")...)
	}
	return string(b)
}

// file holds some of the sets' patterns, whole or cut.
func (s *source) file(sets map[string]policy.Set) []byte {
	var b []byte
	for range s.n(12) {
		set := sets[pick(s, setNames...)]
		if len(set.Signatures) == 0 || s.one(3) {
			b = append(b, bytes.Repeat([]byte{pick(s, []byte("abc")...)}, s.n(300))...)
			continue
		}
		pattern := pick(s, pick(s, set.Signatures...)...)
		b = append(b, pattern[pick(s, 0, 0, 0, s.n(len(pattern))):]...)
	}
	return b
}
