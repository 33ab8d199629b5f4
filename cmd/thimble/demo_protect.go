package main

import (
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"runtime"

	"thimble/enforcer"
	"thimble/internal/compile"
	"thimble/internal/forbid"
	"thimble/internal/policy"
)

// demoProtection compiles a policy and lays the enforcer's library out in dir, for the local Lambda to take both from.
func demoProtection(dir string) func(text string) (library string, blob []byte, err error) {
	return func(text string) (string, []byte, error) {
		blob, err := compilePolicyText("goat.yaml", text)
		if err != nil {
			return "", nil, err
		}
		so, err := enforcer.Library(runtime.GOARCH)
		if err != nil {
			return "", nil, err
		}
		library := filepath.Join(dir, "libthimble.so")
		if err := os.WriteFile(library, so, 0o755); err != nil {
			return "", nil, fmt.Errorf("lay out the enforcer: %w", err)
		}
		return library, blob, nil
	}
}

func compilePolicyText(name, text string) ([]byte, error) {
	documents, err := policy.Parse(name, []byte(text))
	if err != nil {
		return nil, err
	}
	var policies []policy.Policy
	for _, d := range documents {
		policies = append(policies, *d.Policy)
	}
	return compile.Blob(policies, curatedSet)
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
