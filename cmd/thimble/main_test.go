package main

import (
	"os"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestMain lets the scripts run this test's own executable as `thimble`.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"thimble": func() { os.Exit(run(os.Args[1:])) },
	})
}

// TestScripts runs the commands as users do; every testdata/script/*.txtar says what must come out.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{Dir: "testdata/script"})
}
