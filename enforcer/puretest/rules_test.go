//go:build cgo

package puretest

import (
	"encoding/binary"
	"math"
	"regexp"
	"slices"
	"testing"

	"thimble/internal/abi"
	"thimble/internal/compile"
	"thimble/internal/policy"
)

var (
	indexPattern = regexp.MustCompile(`\[\d+\]`)
	setPattern   = regexp.MustCompile(`^forbid\.sets\..*`)
)

// TestGeneratorReachesEveryRule keeps the fuzzing honest: with a fixed number of seeds every rule decides some request
// in every way in which it can.
func TestGeneratorReachesEveryRule(t *testing.T) {
	seen := map[string]int{}
	for _, seed := range seeds(3000) {
		s := newSource(seed)
		policies, sets := s.policies(), lookupIn(s.sets())
		for range 8 {
			rq := s.request(&policies[s.n(len(policies))])
			if p := policy.Select(policies, rq.Function); p != nil {
				v := p.Decide(rq, sets)
				rule := setPattern.ReplaceAllString(indexPattern.ReplaceAllString(v.Rule, "[#]"), "forbid.sets.$")
				seen[string(v.Action)+" "+rule]++
				seen[rule]++
			}
		}
	}
	// facts of the running process, which no request carries: the hooks name them before they ask for a verdict
	outside := []string{"memory.libc", "memory.loader"}
	for _, rule := range abi.Rules[1:] {
		if slices.Contains(outside, rule.Text) {
			continue
		}
		if seen[rule.Text] < 5 {
			t.Errorf("rule %s decided %d requests", rule.Text, seen[rule.Text])
		}
	}
	for _, verdict := range []string{
		"deny exec.allow[#].args", "deny exec.allow[#].from", "deny exec.allow[#].sha256", "deny forbid.names[#]",
		"deny forbid.sets.$", "deny forbid.sha256[#]", "audit tmp.exec", "deny tmp.load", "deny exec.children",
		"deny exec.image", "allow exec.image", "allow exec.interpreter", "audit exec.allow[#].args",
	} {
		if seen[verdict] < 5 {
			t.Errorf("verdict %q was reached %d times", verdict, seen[verdict])
		}
	}
	t.Logf("%v", seen)
}

// TestEveryWordDamaged puts telling values into every word of a blob. Both sides agree on each, and no accepted blob
// leads C outside its memory (which the sanitizer build sees).
func TestEveryWordDamaged(t *testing.T) {
	var raw []byte
	for _, seed := range seeds(100) { // the richest of some blobs without a scan filter, which is large and dull
		s := newSource(seed)
		sets := s.sets()
		for name, set := range sets {
			set.Signatures = nil
			sets[name] = set
		}
		blob, err := compile.Blob(s.policies(), lookupIn(sets))
		if err != nil {
			t.Fatal(err)
		}
		if len(blob) > len(raw) && len(blob) < 3<<10 {
			raw = blob
		}
	}
	for at := 0; at < len(raw); at += 4 {
		old := binary.LittleEndian.Uint32(raw[at:])
		for _, value := range []uint32{0, 1, 3, old + 1, old - 1, old + 2, old + 8, old - 8, old + 0x01000000, uint32(len(raw)), uint32(len(raw)) - old, math.MaxUint32} {
			damaged := slices.Clone(raw)
			binary.LittleEndian.PutUint32(damaged[at:], value)
			checkBoth(t, fixUp(damaged), newSource([]byte{byte(at)}))
		}
	}
}

// TestScannableIsChecked does the same to the fields that the content scan trusts.
func TestScannableIsChecked(t *testing.T) {
	sets := map[string]policy.Set{"miners": {Name: "miners", Signatures: [][]string{{"stratum+tcp"}}}}
	raw, err := compile.Blob([]policy.Policy{{Forbid: policy.Forbid{Sets: []string{"miners"}}}}, lookupIn(sets))
	if err != nil {
		t.Fatal(err)
	}
	for at := 0; at < 1024; at += 4 {
		old := binary.LittleEndian.Uint32(raw[at:])
		for _, value := range []uint32{0, 1, 3, 4, 8, 9, 128, 129, 255, 256, 257, 512, 513, old + 1, old - 1, old + 8, old - 8} {
			damaged := slices.Clone(raw)
			binary.LittleEndian.PutUint32(damaged[at:], value)
			checkBoth(t, fixUp(damaged), newSource([]byte{byte(at)}))
		}
	}
}
