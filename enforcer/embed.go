// Package enforcer carries libthimble, the part of Thimble that lives inside the protected function.
//
// The library is freestanding C (the .c files of this folder). It is built for both CPUs by this folder's Makefile and
// committed under lib, so that building Thimble needs Go alone; a check rebuilds it and fails on any difference.
package enforcer

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
)

//go:embed lib
var lib embed.FS

// Arches lists the CPUs that libthimble is built for, by Go's names.
var Arches = []string{"amd64", "arm64"}

// Library returns libthimble.so for a CPU, by Go's name for it.
func Library(arch string) ([]byte, error) {
	so, err := lib.ReadFile("lib/libthimble-" + arch + ".so")
	if err != nil {
		return nil, fmt.Errorf("no enforcer for CPU %q (there is one for %q)", arch, Arches)
	}
	return so, nil
}

// Digest returns the SHA-256 of Library(arch), in hexadecimal: events and reports name the enforcer by it.
func Digest(arch string) (string, error) {
	so, err := Library(arch)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(so)
	return hex.EncodeToString(sum[:]), nil
}
