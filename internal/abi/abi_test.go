package abi

import (
	"bytes"
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
)

// sample uses every table.
func sample() *Blob {
	pattern := Group{
		Sets: []uint16{1, 0}, Digests: []Digest{{SHA256: Hex{1}, Rank: 1}}, Patterns: []string{"stratum"},
		Signatures: []Signature{{Patterns: []uint16{0}, Rank: 1}}, Grams: []Gram{{Gram: 0x61727473, Offset: 0}},
		Filter: make([]uint64, 1<<(FilterBits-6)), Stride: 4, MaxPattern: 7,
		Names: Names{First: [4]uint64{1, 2, 3, 4}, Literals: []Name{{"nmap", 1}}, Globs: []Name{{"x*", 0}}},
	}
	template := Arg{Prefix: "-o", Suffix: ".pdf", Atoms: []Atom{{Class: 1}, {Class: 2, Quant: 2}, {Byte: 'x', Quant: 1}}}
	policy := Policy{
		Flags: Flags{ExecMode: 2, Children: 1, Pending: 31, Seal: 2}, Digest: Hex{9}, Name: "p", Match: []string{"f", "g*"},
		Names: Names{Literals: []Name{{"nc", 0}}}, SHA256: []Hex{{7}, {8}}, Group: 1,
		Allow: []Allow{
			{Path: "/bin/sh", AnyFrom: true, Args: []ArgList{{Args: []Arg{template, {}}, Rest: 1}, {Rest: NoRest}}},
			{Path: "/bin/sh", From: []string{"/bin/a", "/bin/b"}, AnyArgs: true, HasSHA256: true, SHA256: Hex{3}, Credentials: 3},
		},
	}
	return &Blob{
		FailClosed: true, Sets: []string{"miners", "shells"}, Groups: []Group{{}, pattern},
		Policies: []Policy{policy, {Name: "default"}},
	}
}

func encodeSample(t testing.TB) []byte {
	t.Helper()
	raw, err := Encode(sample())
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func TestDecodeReturnsWhatWasEncoded(t *testing.T) {
	got, err := Decode(encodeSample(t))
	if err != nil {
		t.Fatal(err)
	}
	if want := sample(); !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v\nwant %+v", got, want)
	}
}

func TestEncodeStoresEqualRunsOnce(t *testing.T) {
	b := sample()
	one, err := Encode(b)
	if err != nil {
		t.Fatal(err)
	}
	b.Policies = append(b.Policies, b.Policies[0], b.Policies[0])
	many, err := Encode(b)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := len(many)-len(one), 2*int(size(wirePolicy{})); got != want {
		t.Errorf("two more equal policies add %d bytes, want %d", got, want)
	}
}

func TestDecodePrints(t *testing.T) {
	out, err := json.Marshal(sample())
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"Name":"p"`, `"Digest":"09000000`, `"Patterns":["stratum"]`} {
		if !strings.Contains(string(out), want) {
			t.Errorf("the printed blob lacks %s", want)
		}
	}
}

func TestCheckNamesTheProblem(t *testing.T) {
	seal := func(b []byte) []byte {
		le.PutUint64(b[checksumOffset:], Checksum(b))
		return b
	}
	cases := []struct {
		name   string
		damage func(b []byte) []byte
		want   Problem
	}{
		{"empty", func(b []byte) []byte { return nil }, ProblemSize},
		{"cut", func(b []byte) []byte { return b[:len(b)-8] }, ProblemSize},
		{"longer", func(b []byte) []byte { return append(b, make([]byte, 8)...) }, ProblemSize},
		{"magic", func(b []byte) []byte { b[0] = 'X'; return seal(b) }, ProblemMagic},
		{"version", func(b []byte) []byte { b[4]++; return seal(b) }, ProblemVersion},
		{"one bit", func(b []byte) []byte { b[len(b)/2] ^= 1; return b }, ProblemChecksum},
		{"flag", func(b []byte) []byte { b[6] = 2; return seal(b) }, ProblemValue},
		{"table", func(b []byte) []byte { b[24+8+3] = 0x7f; return seal(b) }, ProblemRange},
		{"mode", func(b []byte) []byte { b[headerSize] = 3; return seal(b) }, ProblemValue},
		{"string", func(b []byte) []byte {
			return seal(bytes.Replace(b, []byte("/bin/sh\x00"), []byte("/bin/sh!"), 1))
		}, ProblemString},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			blob, err := Decode(c.damage(encodeSample(t)))
			var got Problem
			if !errors.As(err, &got) || got != c.want {
				t.Errorf("got %v, want %v", err, c.want)
			}
			if blob != nil {
				t.Error("a blob came with the error")
			}
		})
	}
}

func TestChecksumSeesEveryBit(t *testing.T) {
	raw := encodeSample(t)
	want := Checksum(raw)
	for i := range raw {
		for bit := range 8 {
			raw[i] ^= 1 << bit
			changed := Checksum(raw) != want
			raw[i] ^= 1 << bit
			if own := i >= checksumOffset && i < checksumOffset+8; changed == own {
				t.Fatalf("byte %d, bit %d: changes the checksum: %v", i, bit, changed)
			}
		}
	}
}

func TestEncodeRefuses(t *testing.T) {
	cases := []struct {
		name   string
		change func(b *Blob)
		want   string
	}{
		{"sets", func(b *Blob) { b.Sets = make([]string, MaxSets+1) }, "at most 254 fit"},
		{"empty set name", func(b *Blob) { b.Sets[0] = "" }, "an empty string"},
		{"patterns", func(b *Blob) { b.Groups[1].Patterns = make([]string, MaxPatterns+1) }, "at most 512 fit"},
		{"stride", func(b *Blob) { b.Groups[1].Stride = 0 }, "needs a stride"},
		{"path", func(b *Blob) { b.Policies[0].Allow[0].Path = "" }, "no path"},
		{"name", func(b *Blob) { b.Policies[0].Names.Globs = []Name{{}} }, "0 bytes"},
		{"size", func(b *Blob) { b.Policies[0].Name = strings.Repeat("a", MaxSize) }, "larger than"},
	}
	for _, c := range cases {
		b := sample()
		c.change(b)
		raw, err := Encode(b)
		if err == nil || !strings.Contains(err.Error(), c.want) || raw != nil {
			t.Errorf("%s: got %d bytes and error %v, want only an error with %q", c.name, len(raw), err, c.want)
		}
	}
}

// FuzzDecode: an error means no blob, success encodes to the same bytes.
func FuzzDecode(f *testing.F) {
	f.Add(encodeSample(f), uint32(0), uint32(0))
	f.Add([]byte(Magic), uint32(0), uint32(0))
	for at := uint32(24); at < 1000; at += 52 {
		f.Add(encodeSample(f), at, at*7)
	}
	f.Fuzz(func(t *testing.T, raw []byte, at, value uint32) {
		raw = bytes.Clone(raw[:len(raw)/8*8])
		if len(raw) >= int(headerSize) {
			le.PutUint32(raw[at%uint32(len(raw)/4)*4:], value)
			le.PutUint32(raw[8:], uint32(len(raw)))
			le.PutUint64(raw[checksumOffset:], Checksum(raw))
		}
		blob, err := Decode(raw)
		if (blob == nil) != (err != nil) {
			t.Fatalf("blob %v, error %v", blob, err)
		}
		if err != nil {
			return
		}
		if again, err := Encode(blob); err != nil || !bytes.Equal(again, raw) {
			t.Fatalf("does not encode to the same bytes: %v", err)
		}
	})
}
