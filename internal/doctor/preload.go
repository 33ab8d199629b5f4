package doctor

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"

	"golang.org/x/sys/unix"
)

// startEvent is what the doctor reads of the enforcer's first event line.
type startEvent struct {
	Format      int      `json:"thimble"`
	Action      string   `json:"action"`
	Tier        string   `json:"tier"`
	Detail      string   `json:"detail"`
	Uncovered   []string `json:"uncovered"`
	NotEnforced []string `json:"not_enforced"`
}

// place is where the enforcer, its policy and its events are, as the program sees them.
type place struct {
	name                    string
	library, policy, events string
	files                   []*os.File // what the program inherits, from descriptor 3 on
	lines                   func() ([]byte, error)
}

// preload runs a program of the machine with the enforcer, as a function would run, and waits for its event. Where /tmp
// cannot hold a library that loads, memory does: in a deployment it comes from neither.
func (e *examination) preload() outcome {
	d, ok := findDynamic()
	if !ok {
		return outcome{Answer: Unknown, Detail: "no dynamic program was found to try it with"}
	}
	library, err := e.Library(arch)
	if err != nil {
		return outcome{Answer: No, Detail: err.Error()}
	}
	first := e.preloadFrom(e.inFolder, library, d)
	if e.start.Action != "" {
		return first
	}
	second := e.preloadFrom(e.inMemory, library, d)
	switch {
	case e.start.Action != "":
		return second
	case find(e.results, "exec_tmp").Answer != Yes:
		return outcome{Answer: Unknown, Detail: "no place was found from which a library can be loaded (" + first.Detail + ")"}
	}
	return first
}

func (e *examination) preloadFrom(plant func([]byte) (place, error), library []byte, d dynamic) outcome {
	at, err := plant(library)
	defer func() {
		for _, f := range at.files {
			f.Close()
		}
	}()
	if err != nil {
		return failure(err)
	}
	talk, err := e.runProtected(d, at)
	lines, readErr := at.lines()
	if readErr != nil && !os.IsNotExist(readErr) {
		return failure(readErr)
	}
	e.start = findStart(lines)
	return started(e.start, d.path+", library in "+at.name, talk, err)
}

func (e *examination) inFolder(library []byte) (place, error) {
	at := place{
		name: tempFolder, library: e.file("libthimble.so"), policy: e.file("policy"), events: "file:" + e.file("events"),
		lines: func() ([]byte, error) { return os.ReadFile(e.file("events")) },
	}
	if e.tempErr != nil {
		return at, e.tempErr
	}
	if err := os.WriteFile(at.library, library, 0o755); err != nil {
		return at, err
	}
	return at, os.WriteFile(at.policy, e.Policy, 0o644)
}

func (e *examination) inMemory(library []byte) (place, error) {
	at := place{name: "memory", library: "/proc/self/fd/3", policy: "/proc/self/fd/4", events: "fd:5"}
	for _, content := range [][]byte{library, e.Policy, nil} {
		fd, err := unix.MemfdCreate("thimble-doctor", unix.MFD_CLOEXEC)
		if err != nil {
			return at, fmt.Errorf("make a memory file: %w", err)
		}
		f := os.NewFile(uintptr(fd), "thimble-doctor")
		at.files = append(at.files, f)
		if _, err := f.Write(content); err != nil {
			return at, err
		}
	}
	events := at.files[2]
	at.lines = func() ([]byte, error) { return io.ReadAll(io.NewSectionReader(events, 0, 1<<20)) }
	return at, nil
}

// runProtected runs the program and returns the first line of what it or the loader complained about.
func (e *examination) runProtected(d dynamic, at place) (string, error) {
	ctx, cancel := context.WithTimeout(e.ctx, probeTime)
	defer cancel()
	cmd := exec.CommandContext(ctx, d.path, d.args...)
	cmd.Env = []string{
		"PATH=" + os.Getenv("PATH"),
		"LD_LIBRARY_PATH=" + os.Getenv("LD_LIBRARY_PATH"),
		"LD_PRELOAD=" + at.library,
		"THIMBLE_POLICY=" + at.policy,
		"THIMBLE_EVENTS=" + at.events,
	}
	cmd.ExtraFiles = at.files
	var talk bytes.Buffer
	cmd.Stderr = &talk
	inOwnGroup(cmd)
	err := cmd.Run()
	endGroup(cmd)
	return firstLine(talk.String()), err
}

// findStart returns the first event that says how the enforcer started; a zero event if there is none.
func findStart(lines []byte) startEvent {
	for line := range bytes.Lines(lines) {
		var event startEvent
		if json.Unmarshal(line, &event) != nil || event.Format != 1 {
			continue
		}
		if event.Action == "started" || event.Action == "unprotected" {
			return event
		}
	}
	return startEvent{}
}

// started judges what the enforcer said, or did not say.
func started(event startEvent, program, talk string, err error) outcome {
	switch {
	case event.Action == "started" && err != nil:
		return outcome{Answer: No, Errno: errnoOf(err), Detail: program + " failed under the enforcer: " + err.Error()}
	case event.Action == "started":
		return outcome{Answer: Yes, Detail: "tried with " + program}
	case event.Action == "unprotected":
		return outcome{Answer: No, Detail: "it loads but protects nothing: " + event.Detail}
	case talk != "":
		return outcome{Answer: No, Detail: strings.TrimSpace(program + " said: " + talk)}
	case err != nil:
		return outcome{Answer: No, Errno: errnoOf(err), Detail: program + ": " + err.Error()}
	}
	return outcome{Answer: No, Detail: program + " ran, but the enforcer did not start in it"}
}
