package doctor

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
)

// The tiers. A tier is named only when it is active.
const (
	TierLibrary = "library"
	TierNone    = "none"
)

// conclude draws the conclusions from the answers and from what the enforcer said of itself. It only reads them.
func conclude(o Options, results []Result, start startEvent) Report {
	r := Report{
		Format: 1, Version: o.Version, Arch: arch, Tier: TierNone, Probes: results,
		Uncovered: []Item{}, NotEnforced: []Item{},
	}
	if library, err := o.Library(arch); err == nil {
		sum := sha256.Sum256(library)
		r.Enforcer = hex.EncodeToString(sum[:])
	}
	found := func(id string) Result { return find(results, id) }
	r.Seal = concludeSeal(found("seccomp"))
	loaded := found("ld_preload")
	r.Runs = loaded.Answer == Yes && !slices.Contains(start.Uncovered, "libc")
	if !r.Runs {
		r.Why = whyNot(loaded, start)
		r.Uncovered = append(r.Uncovered, Item{"everything", "The enforcer does not run here: nothing is covered."})
		r.NotEnforced = append(r.NotEnforced, Item{"everything", "No control of a policy is enforced here."})
		return r
	}
	r.Tier = TierLibrary
	r.Uncovered = uncovered(found, start)
	r.NotEnforced = notEnforced(start)
	return r
}

func find(results []Result, id string) Result {
	i := slices.IndexFunc(results, func(r Result) bool { return r.ID == id })
	if i < 0 {
		return Result{ID: id, Answer: Unknown}
	}
	return results[i]
}

func concludeSeal(filter Result) Seal {
	s := Seal{Possible: filter.Answer}
	switch filter.Answer {
	case Yes:
		s.Means = "The platform allows the kernel tier. This version does not enforce it yet: seal has no effect."
	case No:
		s.Means = "The platform refuses the kernel tier (" + filter.Errno + filter.Detail + "). seal: required could not be met here."
	default:
		s.Means = "It could not be found out whether the platform allows the kernel tier."
	}
	return s
}

func whyNot(loaded Result, start startEvent) string {
	if loaded.Answer == Yes && slices.Contains(start.Uncovered, "libc") {
		return "the enforcer starts but finds no C library to hook"
	}
	if loaded.Answer != No {
		return strings.TrimSuffix("it could not be tried: "+loaded.Detail, ": ")
	}
	return loaded.Detail
}

// always is what the library tier leaves open wherever it runs.
var always = []Item{
	{"raw_system_calls", "Native code inside the process that issues system calls itself, without the C library " +
		"(shellcode, an extension built for it): it can start programs, open files and reach other processes."},
	{"static_binaries", "Static programs. As the function itself (Go, for one) the enforcer is not in it; as a child it is " +
		"judged when it starts, and nothing that it does afterwards is."},
	{"interpreted_code", "Programs that an interpreter reads from /tmp or takes as an argument (sh /tmp/x.sh, python3 -c) " +
		"under children: image: the interpreter shipped with the function. children: listed with templates refuses them."},
	{"in_process_code", "Code that runs inside the function's own interpreter (an eval, a compromised dependency) and needs " +
		"no new program, library or guarded file: it has the function's memory, its open connections and its credentials."},
	{"reading_files", "Reading the function's own files, source code among them: no control restricts it."},
	{"other_processes", "Processes that do not carry the enforcer: external extensions when it is attached by an exec " +
		"wrapper, and whatever ran before it."},
}

// conditional are paths that are open only where a probe was answered so.
var conditional = []struct {
	probe  string
	answer Answer
	item   Item
}{
	{"uid", No, Item{"root", "The function runs as root: it can remount, set the clock or replace the enforcer for later starts."}},
	{"io_uring", Yes, Item{"io_uring", "Files opened through io_uring."}},
	{"ptrace", Yes, Item{"ptrace", "ptrace by a system call that native code issues itself."}},
	{"process_vm_readv", Yes, Item{"process_vm", "The memory of the function's other processes (process_vm_readv and " +
		"process_vm_writev) by a system call that native code issues itself."}},
	{"user_namespaces", Yes, Item{"user_namespaces", "User namespaces: a child that an attacker is allowed to start can become " +
		"root of one and mount over paths it sees."}},
	{"lease_tmp", No, Item{"digest_race", "A file allowed by sha256 alone, written to between its check and its start: there " +
		"are no file leases on /tmp."}},
	{"task_read_only", No, Item{"writable_task", "/var/task is writable: what counts as shipped there is told by the file's age alone."}},
}

// reported puts what the enforcer says of a process into plain words. The first two stand in always.
var reported = map[string]Item{
	"raw system calls of native code": {},
	"static binaries":                 {},
	"load":                            {"load", "Libraries loaded from /tmp: the dynamic loader's own calls could not be hooked."},
	"hooks":                           {"hooks", "Some entries of the C library could not be patched."},
	"proc":                            {"proc", "Rules by canonical path: there is no usable /proc."},
	"libc":                            {"libc", "Everything: there is no C library to hook."},
}

func uncovered(found func(string) Result, start startEvent) []Item {
	items := slices.Clone(always)
	for _, c := range conditional {
		if found(c.probe).Answer == c.answer {
			items = append(items, c.item)
		}
	}
	for _, name := range start.Uncovered {
		switch item, known := reported[name]; {
		case !known:
			items = append(items, Item{name, "Reported by the enforcer: " + name + "."})
		case item.ID != "":
			items = append(items, item)
		}
	}
	return items
}

// pending puts the controls that the enforcer says it does not enforce yet into plain words.
var pending = map[string]string{
	"seal":              "seal: the kernel tier. auto, required and off make no difference yet.",
	"decoys":            "decoys: touching one is not noticed yet.",
	"reply":             "reply: responses are not looked at yet.",
	"net":               "net: connections, tripwires and the runtime API are not guarded yet.",
	"credentials.decoy": "credentials: decoy gives children no honeytokens yet: the variables are stripped instead.",
}

// notEnforced repeats the enforcer's own list, which it made for a policy that uses every control.
func notEnforced(start startEvent) []Item {
	items := []Item{}
	for _, name := range start.NotEnforced {
		text, known := pending[name]
		if !known {
			text = name + ": not enforced yet."
		}
		items = append(items, Item{name, text})
	}
	return items
}
