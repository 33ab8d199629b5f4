package doctor

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"strings"
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

// preload runs a program of the machine with the enforcer, as a function would run, and waits for its event.
func (e *examination) preload() outcome {
	if e.tempErr != nil {
		return outcome{Answer: Unknown, Detail: "needs files: " + e.tempErr.Error()}
	}
	d, ok := findDynamic()
	if !ok {
		return outcome{Answer: Unknown, Detail: "no dynamic program was found to try it with"}
	}
	library, err := e.Library(arch)
	if err != nil {
		return outcome{Answer: No, Detail: err.Error()}
	}
	if err := e.plant(library); err != nil {
		return failure(err)
	}
	talk, err := e.runProtected(d)
	lines, readErr := os.ReadFile(e.file("events"))
	if readErr != nil && !os.IsNotExist(readErr) {
		return failure(readErr)
	}
	e.start = findStart(lines)
	return started(e.start, d.path, talk, err)
}

// plant writes the enforcer and its policy. Any user may read them; the folder is ours alone.
func (e *examination) plant(library []byte) error {
	if err := os.WriteFile(e.file("libthimble.so"), library, 0o755); err != nil {
		return err
	}
	return os.WriteFile(e.file("policy"), e.Policy, 0o644)
}

// runProtected runs the program and returns the first line of what it or the loader complained about.
func (e *examination) runProtected(d dynamic) (string, error) {
	ctx, cancel := context.WithTimeout(e.ctx, probeTime)
	defer cancel()
	cmd := exec.CommandContext(ctx, d.path, d.args...)
	cmd.Env = []string{
		"PATH=" + os.Getenv("PATH"),
		"LD_LIBRARY_PATH=" + os.Getenv("LD_LIBRARY_PATH"),
		"LD_PRELOAD=" + e.file("libthimble.so"),
		"THIMBLE_POLICY=" + e.file("policy"),
		"THIMBLE_EVENTS=file:" + e.file("events"),
	}
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
