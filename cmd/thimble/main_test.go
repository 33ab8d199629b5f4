package main

import (
	"os"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestMain lets the scripts run this test's own binary as thimble.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"thimble": func() { os.Exit(run(os.Args[1:])) },
	})
}

// TestScripts runs testdata/script: what the commands promise, one file a subject.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{Dir: "testdata/script", RequireExplicitExec: true})
}
