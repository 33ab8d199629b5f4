// Command thimble protects serverless functions while they run.
//
// Each command lives in a file of its own, which parses its flags, calls one internal package and prints the result.
// Data goes to stdout, talk to stderr.
package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"
)

// version is set by the linker in releases.
var version = "0.1.0-dev"

func main() {
	os.Exit(run(os.Args[1:]))
}

// run executes one command line and returns the process's exit code: 0 on success, 1 when the command failed or found
// something, 2 when it was used wrongly, or the code that the command asked for.
func run(args []string) int {
	root := newRootCmd()
	root.SetArgs(args)
	err := root.Execute()
	if err == nil {
		return 0
	}
	var code exitError
	if errors.As(err, &code) {
		if code.err != nil {
			fmt.Fprintln(os.Stderr, "thimble:", code.err)
		}
		return code.code
	}
	fmt.Fprintln(os.Stderr, "thimble:", err)
	return 1
}

// exitError carries an exit code through cobra; err may be nil when everything has been said already.
type exitError struct {
	code int
	err  error
}

func (e exitError) Error() string {
	if e.err == nil {
		return fmt.Sprintf("exit status %d", e.code)
	}
	return e.err.Error()
}

func (e exitError) Unwrap() error { return e.err }

// usageError marks a wrong use of a command: exit code 2.
func usageError(format string, a ...any) error {
	return exitError{2, fmt.Errorf(format, a...)}
}

func newRootCmd() *cobra.Command {
	root := &cobra.Command{
		Use:           "thimble",
		Short:         "Runtime protection for serverless functions",
		Version:       version,
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return usageError("%w; see '%s --help'", err, cmd.CommandPath())
	})
	root.AddCommand(
		newDemoCmd(),
		newRunCmd(),
		newInvokeCmd(),
		newPolicyCmd(),
		newDoctorCmd(),
	)
	return root
}
