package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"thimble/internal/lambda"
)

const invokeHelp = `Run a function as AWS Lambda would: runtime API, /var/task, /opt and /tmp, environment, and a sandbox that refuses
what Lambda refuses.

The response goes to stdout, the function's log to stderr. A file of events holds JSON values one after the other or
one array of events; all of them go to the same environment: the first invocation is cold, the others are warm. With
--format json there is one JSON object a line for each invocation, with response, error, log, events and timings.

The sandbox needs root or user namespaces. It shares the host's network unless --network none is given.

Exit codes: 0 when every invocation succeeded, 1 when one failed or none could be made, 2 for a wrong use.`

const invokeExample = `  thimble invoke --runtime nodejs20.x --handler index.handler --code ./function --event '{"name":"x"}'
  thimble invoke --runtime python3.12 --handler app.handler --code function.zip --layer deps.zip --event events.jsonl
  thimble invoke --runtime provided.al2023 --code ./build --policy thimble.yaml --format json --event - < event.json`

// invokeFlags are the command's flags.
type invokeFlags struct {
	cfg     lambda.Config
	timeout string
	policy  string
	event   string
	format  string
	repeat  int
}

func newInvokeCmd() *cobra.Command {
	f := &invokeFlags{}
	cmd := &cobra.Command{
		Use:     "invoke --runtime R --handler H --code DIR|ZIP",
		Short:   "Run a function in a local Lambda",
		Long:    invokeHelp,
		Example: invokeExample,
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return f.run(cmd) },
	}
	flags := cmd.Flags()
	flags.StringVar(&f.cfg.Runtime, "runtime", "", "Lambda's name for the runtime: nodejs20.x, python3.12, ruby3.2, java17, provided.al2023; without a version, any")
	flags.StringVar(&f.cfg.Handler, "handler", "", "the handler, as configured on Lambda")
	flags.StringVar(&f.cfg.Code, "code", "", "folder or ZIP of the function")
	flags.StringArrayVar(&f.cfg.Layers, "layer", nil, "ZIP or folder of a layer; repeatable, the last wins")
	flags.StringVar(&f.policy, "policy", "", "protect the function by this policy")
	flags.StringVar(&f.event, "event", "{}", "the event: JSON, a file of events, or - for stdin")
	flags.StringArrayVar(&f.cfg.Env, "env", nil, "NAME=value for the function's environment; repeatable")
	flags.StringVar(&f.cfg.Client, "ric", "builtin", "runtime client: builtin, aws, or the folder of AWS's")
	flags.StringVar(&f.timeout, "timeout", "3", "the function's timeout, in seconds or like 1m30s")
	flags.IntVar(&f.cfg.Memory, "memory", 128, "memory size in MB, as announced to the function")
	flags.StringVar(&f.cfg.Name, "name", "function", "the function's name")
	flags.StringVar(&f.cfg.Network, "network", "host", "host, or none for a loopback of its own")
	flags.BoolVar(&f.cfg.NoSandbox, "no-sandbox", false, "run the function on the plain machine")
	flags.StringVar(&f.format, "format", "table", "table or json")
	flags.IntVar(&f.repeat, "repeat", 1, "invoke the events this many times")
	return cmd
}

func (f *invokeFlags) run(cmd *cobra.Command) error {
	if err := f.check(cmd); err != nil {
		return err
	}
	events, err := readEvents(f.event, cmd.InOrStdin())
	if err != nil {
		return err
	}
	if f.policy != "" {
		if f.cfg.Preload, f.cfg.PolicyBlob, err = protection(f.policy, ""); err != nil {
			return err
		}
	}
	if f.format == "table" {
		f.cfg.Log = cmd.ErrOrStderr()
	}
	fn, err := lambda.New(f.cfg)
	if err != nil {
		return err
	}
	defer fn.Close()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	return f.invokeAll(ctx, cmd, fn, events)
}

// check refuses what can be refused without looking at the machine.
func (f *invokeFlags) check(cmd *cobra.Command) error {
	for _, name := range []string{"runtime", "code"} {
		if !cmd.Flags().Changed(name) {
			return usageError("--%s is missing; see 'thimble invoke --help'", name)
		}
	}
	if f.format != "table" && f.format != "json" {
		return usageError("--format %q: table or json", f.format)
	}
	if f.repeat < 1 {
		return usageError("--repeat %d: at least once", f.repeat)
	}
	timeout, err := parseTimeout(f.timeout)
	if err != nil {
		return usageError("--timeout %q: want seconds, or a duration like 1m30s", f.timeout)
	}
	f.cfg.Timeout = timeout
	return nil
}

// parseTimeout takes Lambda's whole seconds and Go's durations.
func parseTimeout(s string) (time.Duration, error) {
	if n, err := strconv.Atoi(s); err == nil {
		s = strconv.Itoa(n) + "s"
	}
	d, err := time.ParseDuration(s)
	if err == nil && d <= 0 {
		err = fmt.Errorf("not positive")
	}
	return d, err
}

// readEvents reads the events of --event: JSON itself when it looks like that, else a file.
func readEvents(arg string, stdin io.Reader) ([][]byte, error) {
	switch {
	case arg == "-":
		data, err := io.ReadAll(stdin)
		if err != nil {
			return nil, fmt.Errorf("read the event from stdin: %w", err)
		}
		return lambda.ParseEvents("stdin", data)
	case arg != "" && (arg[0] == '{' || arg[0] == '[' || arg[0] == '"'):
		return lambda.ParseEvents("--event", []byte(arg))
	}
	data, err := os.ReadFile(arg)
	if err != nil {
		return nil, fmt.Errorf("read the event (JSON, a file, or - for stdin): %w", err)
	}
	return lambda.ParseEvents(arg, data)
}

func (f *invokeFlags) invokeAll(ctx context.Context, cmd *cobra.Command, fn *lambda.Function, events [][]byte) error {
	failed := false
	for range f.repeat {
		for _, event := range events {
			res, err := fn.Invoke(ctx, event)
			if err != nil {
				return err
			}
			failed = failed || res.Error != nil
			if err := f.print(cmd, res); err != nil {
				return err
			}
		}
	}
	if failed {
		return exitError{code: 1}
	}
	return nil
}

func (f *invokeFlags) print(cmd *cobra.Command, res *lambda.Result) error {
	if f.format == "json" {
		enc := json.NewEncoder(cmd.OutOrStdout())
		enc.SetEscapeHTML(false)
		return enc.Encode(newInvocation(res))
	}
	for _, event := range res.Events {
		fmt.Fprintf(cmd.ErrOrStderr(), "%s\n", event)
	}
	fmt.Fprintln(cmd.ErrOrStderr(), f.report(res))
	body := res.Response
	if res.Error != nil {
		body = res.Error.Payload()
	}
	_, err := fmt.Fprintf(cmd.OutOrStdout(), "%s\n", body)
	return err
}

// report is the line that Lambda ends an invocation with.
func (f *invokeFlags) report(res *lambda.Result) string {
	t := res.Timings
	line := fmt.Sprintf("REPORT RequestId: %s\tDuration: %.2f ms\tBilled Duration: %d ms\tMemory Size: %d MB",
		res.RequestID, milliseconds(t.Duration), t.Billed().Milliseconds(), f.cfg.Memory)
	if res.Cold {
		line += fmt.Sprintf("\tInit Duration: %.2f ms", milliseconds(t.Init))
	}
	if res.Error != nil {
		line += "\tStatus: " + res.Error.Type
	}
	return line
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// invocation is one line of --format json.
type invocation struct {
	RequestID   string                `json:"request_id"`
	Cold        bool                  `json:"cold"`
	Response    any                   `json:"response"`
	ContentType string                `json:"content_type,omitempty"`
	Streamed    bool                  `json:"streamed,omitempty"`
	Error       *lambda.FunctionError `json:"error"`
	Log         []string              `json:"log"`
	Events      []lambda.Event        `json:"events"`
	Timings     invocationTimings     `json:"timings"`
}

type invocationTimings struct {
	Sandbox  float64 `json:"sandbox_ms"`
	Init     float64 `json:"init_ms"`
	Duration float64 `json:"duration_ms"`
	Billed   int64   `json:"billed_ms"`
}

func newInvocation(res *lambda.Result) invocation {
	inv := invocation{
		RequestID: res.RequestID, Cold: res.Cold, ContentType: res.ContentType, Streamed: res.Streamed, Error: res.Error,
		Log: res.Log, Events: res.Events,
		Timings: invocationTimings{
			milliseconds(res.Timings.Sandbox), milliseconds(res.Timings.Init), milliseconds(res.Timings.Duration),
			res.Timings.Billed().Milliseconds(),
		},
	}
	if inv.Log == nil {
		inv.Log = []string{}
	}
	if inv.Events == nil {
		inv.Events = []lambda.Event{}
	}
	// A response need not be JSON when it was streamed or when the function's own client sent it.
	if json.Valid(res.Response) {
		inv.Response = json.RawMessage(res.Response)
	} else if res.Response != nil {
		inv.Response = string(res.Response)
	}
	return inv
}
