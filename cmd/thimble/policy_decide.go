package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"thimble/internal/policy"
)

func newPolicyDecideCmd() *cobra.Command {
	var paths []string
	cmd := &cobra.Command{
		Use:   "decide --policy F < requests.jsonl",
		Short: "Judge requests by a policy, without running anything",
		Long: `Reads one JSON request a line from stdin and writes one verdict a line, as soon as it is known:
{"verdict":"allow"|"deny"|"audit","rule":"exec.allow[0]"}. Without --policy the zero-config policy judges. A line that is
no request is reported with its number on stderr, the others are judged all the same, and the exit code is 1.

A request has a control (exec, load, open, environ or memory) and what the kernel would say: exe, path, argv0, args, from,
image, sha256, memfd, setuid, interpreter, signature; write and executable for open; op for memory; function selects
among several policies.`,
		Example: `  thimble policy decide --policy thimble.yaml < requests.jsonl
  echo '{"control":"exec","exe":"/bin/sh","args":["-c","id"],"image":true}' | thimble policy decide`,
		Args: needNothing,
		RunE: func(cmd *cobra.Command, _ []string) error {
			judge, err := newJudge(cmd, paths)
			if err != nil {
				return err
			}
			return judge.all(cmd.InOrStdin(), cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	cmd.Flags().StringArrayVar(&paths, "policy", nil, "policy file or folder; can be given several times")
	return cmd
}

// judge gives verdicts by one policy or, by the function's name, by one of several.
type judge struct{ policies []policy.Policy }

func newJudge(cmd *cobra.Command, paths []string) (judge, error) {
	if len(paths) == 0 {
		return judge{[]policy.Policy{*policy.Default()}}, nil
	}
	for _, p := range paths {
		if p == "-" {
			return judge{}, usageError("--policy cannot be -: the requests come from stdin")
		}
	}
	docs, err := loadPolicies(cmd, paths)
	return judge{policy.Policies(docs)}, err
}

// all judges line by line. Verdicts are written whenever no further request is waiting.
func (j judge) all(in io.Reader, out, talk io.Writer) error {
	r, w := bufio.NewReader(in), bufio.NewWriter(out)
	bad := 0
	for n := 1; ; n++ {
		line, err := r.ReadBytes('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return fmt.Errorf("read requests: %w", err)
		}
		if len(bytes.TrimSpace(line)) > 0 {
			verdict, err := j.line(line)
			if err != nil {
				bad++
				fmt.Fprintf(talk, "stdin:%d: %v\n", n, err)
			} else if _, err := w.Write(verdict.MarshalLine()); err != nil {
				return fmt.Errorf("write verdict: %w", err)
			}
		}
		last := err != nil
		if last || r.Buffered() == 0 {
			if err := w.Flush(); err != nil {
				return fmt.Errorf("write verdict: %w", err)
			}
		}
		if last {
			break
		}
	}
	if bad > 0 {
		return exitError{1, fmt.Errorf("%s could not be judged", plural(bad, "line"))}
	}
	return nil
}

func (j judge) line(line []byte) (policy.Verdict, error) {
	rq, err := policy.ParseRequest(line)
	if err != nil {
		return policy.Verdict{}, err
	}
	p := policy.Select(j.policies, rq.Function)
	if len(j.policies) == 1 && rq.Function == "" {
		p = &j.policies[0] // with one policy, who it is for goes without saying
	}
	if p == nil {
		return policy.Verdict{}, fmt.Errorf("no policy is for function %q: name another in \"function\", or add a policy without match", rq.Function)
	}
	return p.Decide(rq, policy.Curated), nil
}
