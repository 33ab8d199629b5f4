package main

import (
	"encoding/hex"

	"thimble/internal/compile"
	"thimble/internal/forbid"
	"thimble/internal/policy"
)

// benchPolicy is what the enforcer is measured under: every control that it has is on, with some curated sets, and one
// program is listed, without a digest.
func benchPolicy(allowed string, sets []string) policy.Policy {
	return policy.Policy{
		Version: 1,
		Name:    "bench",
		Exec:    policy.Exec{Mode: policy.Enforce, Children: policy.ChildrenListed, Allow: []policy.Allow{{Path: allowed}}},
		Forbid:  policy.Forbid{Mode: policy.Enforce, Sets: sets},
		Tmp:     policy.Tmp{Mode: policy.Enforce, DenyExec: true, DenyLoad: true, Write: policy.WriteNoExecutables},
		Memory:  policy.Enforce,
		Credentials: policy.Credentials{
			Mode: policy.Enforce, Children: policy.CredentialsStrip, DenyEnviron: true,
		},
		Seal: "off", OnViolation: "deny", Fail: "open", Announce: true,
	}
}

// compilePolicy returns benchPolicy as the enforcer takes it.
func compilePolicy(allowed string, sets []string) ([]byte, error) {
	return compile.Blob([]policy.Policy{benchPolicy(allowed, sets)}, curated)
}

// curated finds a curated set in the form that the compiler takes.
func curated(name string) (policy.Set, bool) {
	set, ok := forbid.Lookup(name)
	out := policy.Set{Name: set.Name}
	for _, e := range set.Entries {
		out.Names = append(out.Names, e.Names...)
		for _, digest := range e.SHA256 {
			var sum [32]byte
			if n, err := hex.Decode(sum[:], []byte(digest)); err == nil && n == len(sum) {
				out.SHA256 = append(out.SHA256, sum)
			}
		}
		for _, s := range e.Signatures {
			out.Signatures = append(out.Signatures, s.All)
		}
	}
	return out, ok
}
