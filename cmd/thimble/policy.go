package main

import (
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"thimble/internal/policy"
)

const policyHelp = `A policy says what a function may do: which programs it may start and with which arguments, what nobody may run,
what happens with /tmp, with memory and with the function's credentials. docs/policy.md is its reference.

F is a file, a folder of .yaml files, or - for stdin. Several policies can stand in one file and in several; each is for
the functions that its match names, one without match is for all others.`

func newPolicyCmd() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "policy",
		Short: "Check, compile, explain and try out policies",
		Long:  policyHelp,
		Example: `  thimble policy default > thimble.yaml                            start from the zero-config policy
  thimble policy check thimble.yaml                                is it right?
  thimble policy explain thimble.yaml                              what does it mean?
  thimble policy decide --policy thimble.yaml < requests.jsonl     what would happen?
  thimble policy compile thimble.yaml -o policy                    what the enforcer reads`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usageError("there is no command %q; see '%s --help'", args[0], cmd.CommandPath())
			}
			return cmd.Help()
		},
	}
	cmd.AddCommand(newPolicyCheckCmd(), newPolicyCompileCmd(), newPolicyExplainCmd(), newPolicyDecideCmd(),
		newPolicySchemaCmd(), newPolicyDefaultCmd())
	return cmd
}

// needFiles asks for at least one policy.
func needFiles(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return usageError("which policy? give files, folders, or - for stdin; see '%s --help'", cmd.CommandPath())
	}
	return nil
}

func needNothing(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usageError("%q is one argument too many; see '%s --help'", args[0], cmd.CommandPath())
	}
	return nil
}

// loadPolicies reads policies and says all that is wrong with them, a line each, so that editors find the places.
func loadPolicies(cmd *cobra.Command, paths []string) ([]policy.Document, error) {
	docs, err := policy.Load(paths, cmd.InOrStdin())
	var problems policy.Problems
	if !errors.As(err, &problems) {
		return docs, err
	}
	for _, p := range problems {
		fmt.Fprintln(cmd.ErrOrStderr(), p.Error())
	}
	return nil, exitError{1, fmt.Errorf("%s in the policy", plural(len(problems), "error"))}
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

func newPolicySchemaCmd() *cobra.Command {
	var out string
	cmd := &cobra.Command{
		Use:   "schema",
		Short: "Print the JSON Schema of policy files, for editors",
		Example: `  thimble policy schema -o policy.schema.json
  and at the head of a policy:  # yaml-language-server: $schema=policy.schema.json`,
		Args: needNothing,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return writeOutput(cmd.OutOrStdout(), out, policy.Schema())
		},
	}
	cmd.Flags().StringVarP(&out, "output", "o", "-", "file to write, - for stdout")
	return cmd
}

func newPolicyDefaultCmd() *cobra.Command {
	return &cobra.Command{
		Use:     "default",
		Short:   "Print the zero-config policy, with comments",
		Example: "  thimble policy default > thimble.yaml",
		Args:    needNothing,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return writeOutput(cmd.OutOrStdout(), "-", []byte(policy.DefaultYAML))
		},
	}
}

// writeOutput writes to stdout for "-", else to a file that is there whole or not at all.
func writeOutput(stdout io.Writer, path string, data []byte) error {
	if path != "-" {
		if err := writeAtomically(path, data, 0o644); err != nil {
			return fmt.Errorf("write %q: %w", path, err)
		}
		return nil
	}
	if _, err := stdout.Write(data); err != nil {
		return fmt.Errorf("write output: %w", err)
	}
	return nil
}
