package puretest

import (
	"bytes"
	"os"
	"testing"

	"thimble/enforcer/puretest/stamp"
)

func TestStampIsCurrent(t *testing.T) {
	got, err := os.ReadFile("stamp.h")
	if err != nil {
		t.Fatal(err)
	}
	want, err := stamp.Header("..")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Error("the C sources have changed since they were compiled into this test; run go generate ./enforcer/puretest")
	}
}
