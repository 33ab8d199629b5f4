package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"thimble/internal/compile"
	"thimble/internal/policy"
)

func newPolicyCompileCmd() *cobra.Command {
	var out string
	cmd := &cobra.Command{
		Use:   "compile F... -o BLOB",
		Short: "Compile policies into what the enforcer reads",
		Long: `Compiles all policies into one file, out of which the enforcer picks by the function's name. The same policies always
give the same bytes. When anything is wrong the file is not written, and one that was there stays as it was.`,
		Example: `  thimble policy compile thimble.yaml -o policy
  thimble policy compile policies/ -o policy`,
		Args: needFiles,
		RunE: func(cmd *cobra.Command, args []string) error {
			if out == "" {
				return usageError("where to? give -o FILE, or -o - for stdout")
			}
			return compilePolicies(cmd, args, out)
		},
	}
	cmd.Flags().StringVarP(&out, "output", "o", "", "file to write, - for stdout")
	return cmd
}

func compilePolicies(cmd *cobra.Command, paths []string, out string) error {
	docs, err := loadPolicies(cmd, paths)
	if err != nil {
		return err
	}
	blob, err := compile.Blob(policy.Policies(docs), policy.Curated)
	if err != nil {
		return err
	}
	if err := writeOutput(cmd.OutOrStdout(), out, blob); err != nil {
		return err
	}
	fmt.Fprintf(cmd.ErrOrStderr(), "%s compiled, %d bytes\n", pluralPolicies(len(docs)), len(blob))
	return nil
}

func pluralPolicies(n int) string {
	if n == 1 {
		return "1 policy"
	}
	return fmt.Sprintf("%d policies", n)
}
