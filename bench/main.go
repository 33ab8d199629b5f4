// Command bench measures what the enforcer costs, and holds it against the limits that the project promises.
//
// Every experiment compares three variants in one run, interleaved: plain (unprotected), empty (an empty library is
// preloaded) and thimble (the enforcer, under a policy with every control on). What the two add is the median of the
// differences to plain within an iteration, with a 95 % interval by bootstrap; a limit that lies in the interval is
// inconclusive. README.md in this folder explains the experiments.
//
// Start at [experiment]. Exit status: 0 when no limit failed, 1 when one did, 2 when something could not be measured.
package main

import (
	"flag"
	"fmt"
	"os"
	"regexp"
	"runtime"
	"runtime/debug"
	"slices"
	"time"
)

type options struct {
	quick   bool
	only    string
	json    string
	library string
	policy  string
	events  string
	root    string
	sets    string
}

func main() {
	var o options
	flag.BoolVar(&o.quick, "quick", false, "under a minute instead of under six; wider intervals")
	flag.StringVar(&o.only, "only", "", "run the experiments whose name matches this `regexp`")
	flag.StringVar(&o.json, "json", "", "write the results to this `file`, too")
	flag.StringVar(&o.library, "lib", "", "`path` of the enforcer (default: the built one of this repository)")
	flag.StringVar(&o.policy, "policy", "", "`path` of a policy blob (default: one with every control on)")
	flag.StringVar(&o.events, "events", "", "THIMBLE_EVENTS of protected processes (default: unset, so stderr, a pipe)")
	flag.StringVar(&o.root, "root", "read-only", "the root that protected processes see: read-only, as on the platforms, or writable")
	flag.StringVar(&o.sets, "sets", "miners,offensive-tools", "curated sets that the default policy forbids")
	flag.Parse()
	status, err := run(o)
	if err != nil {
		fmt.Fprintf(os.Stderr, "bench: %v\n", err)
		status = 2
	}
	os.Exit(status)
}

func experiments() []experiment {
	return slices.Concat(coldExperiments(), functionExperiments(), warmExperiments(), insideExperiments(), memoryExperiments())
}

// run checks the options and sees to the right place for the benchmark.
func run(o options) (int, error) {
	switch {
	case flag.NArg() > 0:
		return 2, fmt.Errorf("unexpected argument %q", flag.Arg(0))
	case o.root != "read-only" && o.root != "writable":
		return 2, fmt.Errorf("-root %q: read-only or writable", o.root)
	case inside():
		return bench(o, os.Getenv(insideVariable))
	}
	folder, err := makeFolder()
	if err != nil {
		return 2, err
	}
	defer os.RemoveAll(folder)
	if o.root == "read-only" {
		return reexec(folder, o.json)
	}
	return bench(o, folder)
}

// makeFolder makes a folder for what is measured. What lies in /tmp never shipped, so it is elsewhere.
func makeFolder() (string, error) {
	parent, err := os.UserCacheDir()
	if err == nil {
		err = os.MkdirAll(parent, 0o755)
	}
	if err != nil {
		return "", fmt.Errorf("find a place for the programs: %w", err)
	}
	folder, err := os.MkdirTemp(parent, "thimble-bench-")
	if err != nil {
		return "", fmt.Errorf("make a folder: %w", err)
	}
	return folder, os.Chmod(folder, 0o755)
}

func bench(o options, folder string) (status int, err error) {
	only, err := regexp.Compile(o.only)
	if err != nil {
		return 2, fmt.Errorf("-only: %w", err)
	}
	chosen := selected(experiments(), only)
	if len(chosen) == 0 {
		return 2, fmt.Errorf("-only %q: no experiment has such a name", o.only)
	}
	in, err := readInputs(o.library, o.policy, o.sets)
	if err != nil {
		return 2, err
	}
	if inside() {
		if err := separate(); err != nil {
			return 2, err
		}
	}
	runtime.LockOSThread()
	debug.SetGCPercent(-1) // a collection would hit one variant only
	l, err := newLab(in, folder, o.events)
	if err != nil {
		return 2, err
	}
	defer func() {
		if cerr := l.close(); err == nil {
			err = cerr
		}
	}()
	return conclude(o, l, measure(o, l, chosen))
}

func measure(o options, l *lab, chosen []experiment) []result {
	var results []result
	for i := range chosen {
		share := 1.0
		if o.quick {
			share = quickShare
		}
		budget := time.Duration(chosen[i].seconds * share * float64(time.Second))
		r := chosen[i].run(l, budget)
		fmt.Fprintf(os.Stderr, "%-14s %5.1f s  load %s  %s\n", chosen[i].name, r.took.Seconds(), load(), r.note())
		results = append(results, r)
		runtime.GC()
	}
	return results
}

// note says how an experiment went, for the progress on stderr.
func (r *result) note() string {
	switch {
	case r.err != nil:
		return "failed: " + r.err.Error()
	case r.skipped != "":
		return "skipped: " + r.skipped
	}
	return fmt.Sprintf("%d iterations", len(r.series[0]))
}

func conclude(o options, l *lab, results []result) (int, error) {
	d := document{Time: time.Now().UTC().Format(time.RFC3339), Mode: "full", Root: o.root, Machine: l.machine(), Rows: rows(results),
		Library: digest(l.library), Policy: digest(l.policy), Skipped: map[string]string{}}
	if o.quick {
		d.Mode = "quick"
	}
	status := 0
	for _, r := range results {
		if r.skipped != "" {
			d.Skipped[r.experiment.name] = r.skipped
		}
		if r.err != nil {
			d.Errors = append(d.Errors, r.err.Error())
			status = 2
		}
	}
	if status == 0 && failed(d.Rows) {
		status = 1
	}
	if err := printTable(os.Stdout, d.Rows); err != nil {
		return 2, err
	}
	if o.json == "" {
		return status, nil
	}
	path := o.json
	if inside() {
		path = fmt.Sprintf("/proc/self/fd/%d", jsonDescriptor)
	}
	return status, writeJSON(path, d)
}

func failed(all []row) bool {
	return slices.ContainsFunc(all, func(r row) bool {
		return slices.ContainsFunc(r.Limits, func(v verdict) bool { return v.Verdict == fail })
	})
}
