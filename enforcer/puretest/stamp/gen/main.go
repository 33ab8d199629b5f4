// Command gen writes stamp.h; see go:generate in package puretest.
package main

import (
	"log"
	"os"

	"thimble/enforcer/puretest/stamp"
)

func main() {
	log.SetFlags(0)
	header, err := stamp.Header("..")
	if err != nil {
		log.Fatal(err)
	}
	if err := os.WriteFile("stamp.h", header, 0o644); err != nil {
		log.Fatalf("write stamp.h: %v", err)
	}
}
