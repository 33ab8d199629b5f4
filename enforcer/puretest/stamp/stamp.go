// Package stamp sums up the C sources that package puretest compiles.
package stamp

import (
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
)

// Header returns the text of stamp.h for the enforcer's sources in dir.
func Header(dir string) ([]byte, error) {
	sum := sha256.New()
	for _, pattern := range []string{"*.c", "include/*.h"} {
		files, err := filepath.Glob(filepath.Join(dir, pattern))
		if err != nil {
			return nil, fmt.Errorf("list sources: %w", err)
		}
		for _, file := range files {
			data, err := os.ReadFile(file)
			if err != nil {
				return nil, fmt.Errorf("read source: %w", err)
			}
			fmt.Fprintf(sum, "%s %d\n%s", filepath.Base(file), len(data), data)
		}
	}
	const form = "/* Generated; DO NOT EDIT. Run: go generate ./enforcer/puretest */\n#define TB_SOURCES \"%x\"\n"
	return fmt.Appendf(nil, form, sum.Sum(nil)), nil
}
