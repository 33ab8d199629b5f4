package compile

import (
	"bytes"
	"math"
	"strings"
	"testing"

	"thimble/internal/abi"
	"thimble/internal/policy"
)

var testSets = map[string]Set{
	"miners": {
		Name: "miners", Names: []string{"XMRig*", "t-rex", "T-Rex"}, SHA256: [][32]byte{{9}, {1}},
		Signatures: [][]string{{"stratum+tcp://", "donate-level"}},
	},
	"shells": {Name: "shells", Names: []string{"bash", "t-rex"}, SHA256: [][32]byte{{1}}},
}

func lookup(name string) (Set, bool) {
	s, ok := testSets[name]
	return s, ok
}

func named(name string, functions ...string) policy.Policy {
	return policy.Policy{Name: name, Match: policy.Match{Functions: functions}}
}

// mustDecode compiles and reads back.
func mustDecode(t *testing.T, policies ...policy.Policy) *abi.Blob {
	t.Helper()
	raw, err := Blob(policies, lookup)
	if err != nil {
		t.Fatal(err)
	}
	blob, err := abi.Decode(raw)
	if err != nil {
		t.Fatal(err)
	}
	return blob
}

func TestBlobIsDeterministic(t *testing.T) {
	policies := []policy.Policy{named("a", "a"), named("b")}
	policies[0].Forbid.Sets = []string{"miners", "shells"}
	policies[1].Forbid.Sets = []string{"shells"}
	first, err := Blob(policies, lookup)
	if err != nil {
		t.Fatal(err)
	}
	for range 20 {
		again, err := Blob(policies, lookup)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(first, again) {
			t.Fatal("the same policies compile to different bytes")
		}
	}
}

func TestDigestNamesThePolicyNotTheBlob(t *testing.T) {
	p := named("p", "p")
	p.Forbid.Sets = []string{"shells"}
	other := named("other")
	other.Forbid.Sets, other.Fail = []string{"miners"}, "closed"
	alone, among := mustDecode(t, p), mustDecode(t, other, p)
	if got, want := among.Policies[1].Digest, alone.Policies[0].Digest; got != want {
		t.Errorf("digest in a blob with others: got %x, want %x", got, want)
	}
	for name, change := range map[string]func(*policy.Policy){
		"mode":     func(p *policy.Policy) { p.Exec.Mode = policy.Enforce },
		"match":    func(p *policy.Policy) { p.Match.Functions = []string{"q"} },
		"set":      func(p *policy.Policy) { p.Forbid.Sets = []string{"miners"} },
		"allow":    func(p *policy.Policy) { p.Exec.Allow = []policy.Allow{{Path: "/x"}} },
		"tripwire": func(p *policy.Policy) { p.Net.Tripwires = []string{"169.254.169.254"} },
	} {
		changed := p
		change(&changed)
		if mustDecode(t, changed).Policies[0].Digest == alone.Policies[0].Digest {
			t.Errorf("a change of %s leaves the digest as it was", name)
		}
	}
}

func TestPoliciesShareGroups(t *testing.T) {
	a, b, c := named("a", "a"), named("b", "b"), named("c")
	a.Forbid.Sets, b.Forbid.Sets, c.Forbid.Sets = []string{"miners"}, []string{"miners"}, []string{"miners", "shells"}
	blob := mustDecode(t, a, b, c)
	if got, want := len(blob.Groups), 2; got != want {
		t.Errorf("groups: got %d, want %d", got, want)
	}
	if got := strings.Join(blob.Sets, " "); got != "miners shells" {
		t.Errorf("sets: got %q", got)
	}
}

func TestGroupSortsAndMerges(t *testing.T) {
	p := named("p")
	p.Forbid.Sets = []string{"miners", "shells"}
	g := mustDecode(t, p).Groups[0]
	if got := g.Names.Literals; len(got) != 2 || got[0] != (abi.Name{Text: "bash", Rank: 1}) || got[1] != (abi.Name{Text: "t-rex"}) {
		t.Errorf("literals: got %v, want bash of set 1 and t-rex, once, of set 0", got)
	}
	if got := g.Names.Globs; len(got) != 1 || got[0].Text != "xmrig*" {
		t.Errorf("globs: got %v, want xmrig*", got)
	}
	if got := g.Digests; len(got) != 2 || got[0].SHA256[0] != 1 || got[0].Rank != 0 || got[1].SHA256[0] != 9 {
		t.Errorf("digests: got %v, want 01… and 09…, both of set 0", got)
	}
	if got, want := g.Stride, uint32(abi.MaxStride); got != want {
		t.Errorf("stride: got %d, want %d: the shortest pattern has 12 bytes", got, want)
	}
	if got, want := len(g.Grams), 2*abi.MaxStride; got != want {
		t.Errorf("grams: got %d, want %d", got, want)
	}
}

func TestFlags(t *testing.T) {
	p := named("p")
	p.Exec.Allow = []policy.Allow{{Path: "/x", Credentials: policy.CredentialsKeep}}
	p.Forbid.Sets, p.Forbid.SHA256 = []string{"miners"}, [][32]byte{{1}}
	p.Credentials = policy.Credentials{Mode: policy.Enforce, Children: policy.CredentialsDecoy}
	p.Seal, p.Decoys, p.OnViolation, p.Fail, p.Announce = "required", true, "kill", "closed", true
	p.Reply.Mode = policy.Audit
	p.Net = policy.Net{Mode: policy.Enforce, Connect: "none"}
	blob := mustDecode(t, p)
	got := blob.Policies[0].Flags
	want := abi.Flags{
		CredMode: 2, CredChildren: 2, Kill: 1, Announce: 1, FailClosed: 1, Pending: 31, NeedDigest: 3, NeedScan: 1,
		HasEnvKeep: 1, Seal: 2, UseDecoys: 1,
	}
	if got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if !blob.FailClosed {
		t.Error("the blob does not fail closed though a policy does")
	}
	if got := mustDecode(t, named("q")).Policies[0].Flags; got != (abi.Flags{CredChildren: 1}) {
		t.Errorf("an empty policy has flags %+v", got)
	}
}

func TestBlobRefuses(t *testing.T) {
	allow := func(a policy.Allow) []policy.Policy {
		return []policy.Policy{{Exec: policy.Exec{Allow: []policy.Allow{a}}}}
	}
	args := func(args ...policy.Arg) []policy.Policy {
		return allow(policy.Allow{Path: "/x", Args: []policy.ArgList{args}})
	}
	forbid := func(f policy.Forbid) []policy.Policy { return []policy.Policy{{Forbid: f}} }
	cases := []struct {
		name     string
		policies []policy.Policy
		sets     func(string) (Set, bool)
		want     string
	}{
		{"two defaults", []policy.Policy{named("a"), named("b")}, nil, `"a" and policy "b" are both without match`},
		{"same function", []policy.Policy{named("a", "f"), named("", "f")}, nil, `policy 2 both match functions called "f"`},
		{"unknown set", forbid(policy.Forbid{Sets: []string{"mines"}}), nil, `no curated set called "mines"`},
		{"empty name", forbid(policy.Forbid{Names: []string{""}}), nil, "forbid.names: name 0 is empty"},
		{"long name", forbid(policy.Forbid{Names: []string{strings.Repeat("a", 1<<16)}}), nil, "too long"},
		{"no path", allow(policy.Allow{}), nil, "exec.allow[0]: path"},
		{"NUL in from", allow(policy.Allow{Path: "/x", From: []string{"/\x00"}}), nil, "holds a NUL"},
		{"two rests", args(policy.Arg{Rest: true}, policy.Arg{Rest: true}), nil, "args[0]: two elements"},
		{"long template", args(policy.Arg{Atoms: make([]policy.Atom, abi.MaxAtoms+1)}), nil, "at most 512 fit"},
		{"seal", []policy.Policy{{Seal: "maybe"}}, nil, `got "maybe"`},
		{"many entries", []policy.Policy{{Exec: policy.Exec{Allow: make([]policy.Allow, math.MaxUint16+1)}}}, nil, "at most 65535 fit"},
		{"huge", args(policy.Arg{Prefix: strings.Repeat("a", abi.MaxSize)}), nil, "larger than 16777216 bytes"},
		{"short pattern", forbid(policy.Forbid{Sets: []string{"s"}}), setWith("abc"), `"abc" has 3 bytes`},
		{"long pattern", forbid(policy.Forbid{Sets: []string{"s"}}), setWith(strings.Repeat("a", 129)), "129 bytes"},
		{"empty signature", forbid(policy.Forbid{Sets: []string{"s"}}), setWith(), "it would match every file"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if c.sets == nil {
				c.sets = lookup
			}
			blob, err := Blob(c.policies, c.sets)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got error %v, want one with %q", err, c.want)
			}
			if blob != nil {
				t.Error("a blob came with the error")
			}
		})
	}
}

func setWith(patterns ...string) func(string) (Set, bool) {
	return func(name string) (Set, bool) {
		return Set{Name: name, Signatures: [][]string{patterns}}, true
	}
}

func TestClassesAndQuantsAreThoseOfTheLayout(t *testing.T) {
	if got, want := abi.NumClasses, int(policy.NumClasses); got != want {
		t.Errorf("package abi knows %d classes, package policy %d", got, want)
	}
	if got, want := abi.NumQuants, int(policy.Star)+1; got != want {
		t.Errorf("package abi knows %d quantifiers, package policy %d", got, want)
	}
}
