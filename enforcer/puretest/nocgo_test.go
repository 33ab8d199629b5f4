//go:build !cgo

package puretest

import (
	"os"
	"testing"
)

func TestNeedsCgo(t *testing.T) {
	const why = "the enforcer's C code is not compared with the reference: this test binary was built without cgo"
	if os.Getenv("THIMBLE_TEST_STRICT") == "1" {
		t.Fatal(why)
	}
	t.Skip(why)
}
