// Command gen writes enforcer/include/abi.h; see go:generate in package abi.
package main

import (
	"log"
	"os"

	"thimble/internal/abi"
	"thimble/internal/policy"
)

func main() {
	log.SetFlags(0)
	if len(os.Args) != 2 {
		log.Fatal("usage: gen FILE")
	}
	if err := os.WriteFile(os.Args[1], header(), 0o644); err != nil {
		log.Fatalf("write the C header: %v", err)
	}
}

func header() []byte {
	var classes []abi.Class
	for c := range policy.NumClasses {
		classes = append(classes, abi.Class{Name: c.String(), Bits: c.Table()})
	}
	return abi.CHeader(classes)
}
