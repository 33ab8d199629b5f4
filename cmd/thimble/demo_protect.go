package main

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"

	"thimble/enforcer"
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
