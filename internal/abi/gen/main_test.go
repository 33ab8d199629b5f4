package main

import (
	"bytes"
	"os"
	"testing"
)

func TestCommittedHeaderIsCurrent(t *testing.T) {
	got, err := os.ReadFile("../../../enforcer/include/abi.h")
	if err != nil {
		t.Fatal(err)
	}
	if want := header(); !bytes.Equal(got, want) {
		t.Error("enforcer/include/abi.h is not what internal/abi says; run go generate ./internal/abi")
	}
}
