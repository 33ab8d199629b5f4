package main

import (
	"encoding/hex"
	"fmt"
	"os"

	"thimble/internal/compile"
	"thimble/internal/forbid"
	"thimble/internal/policy"
)

// compilePolicy turns a policy file into a blob; an empty path stands for the default policy, and mode (enforce, audit),
// when it is not empty, replaces the mode of every control that is not off.
func compilePolicy(path, mode string) ([]byte, error) {
	policies := []policy.Policy{*policy.Default()}
	if path != "" {
		data, err := os.ReadFile(path)
		if err != nil {
			return nil, fmt.Errorf("read the policy: %w", err)
		}
		documents, err := policy.Parse(path, data)
		if err != nil {
			return nil, err
		}
		policies = policiesOf(documents)
	}
	if mode != "" {
		m := map[string]policy.Mode{"enforce": policy.Enforce, "audit": policy.Audit}[mode]
		if m == policy.Off {
			return nil, usageError("--mode %q: enforce or audit", mode)
		}
		for i := range policies {
			overrideModes(&policies[i], m)
		}
	}
	return compile.Blob(policies, curatedSet)
}

func overrideModes(p *policy.Policy, mode policy.Mode) {
	for _, m := range []*policy.Mode{
		&p.Exec.Mode, &p.Forbid.Mode, &p.Tmp.Mode, &p.Memory, &p.Credentials.Mode, &p.Reply.Mode, &p.Net.Mode,
	} {
		if *m != policy.Off {
			*m = mode
		}
	}
}

func policiesOf(documents []policy.Document) []policy.Policy {
	policies := make([]policy.Policy, len(documents))
	for i, d := range documents {
		policies[i] = *d.Policy
	}
	return policies
}

func compilePolicyText(name, text string) ([]byte, error) {
	documents, err := policy.Parse(name, []byte(text))
	if err != nil {
		return nil, err
	}
	return compile.Blob(policiesOf(documents), curatedSet)
}

// curatedSet is a curated set in the form that policies are judged and compiled with.
func curatedSet(name string) (policy.Set, bool) {
	set, ok := forbid.Lookup(name)
	if !ok {
		return policy.Set{}, false
	}
	out := policy.Set{Name: set.Name}
	for _, e := range set.Entries {
		out.Names = append(out.Names, e.Names...)
		for _, text := range e.SHA256 {
			var digest [32]byte
			if n, err := hex.Decode(digest[:], []byte(text)); err != nil || n != len(digest) {
				panic(fmt.Sprintf("curated set %q: digest %q", name, text)) // the data are ours, and tested
			}
			out.SHA256 = append(out.SHA256, digest)
		}
		for _, s := range e.Signatures {
			out.Signatures = append(out.Signatures, s.All)
		}
	}
	return out, true
}
