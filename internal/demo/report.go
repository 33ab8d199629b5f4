package demo

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Report is what the demo found.
type Report struct {
	Runtime     string    `json:"runtime"`
	Fetch       string    `json:"downloader"`
	Policy      string    `json:"policy"`
	Attacks     []Outcome `json:"attacks"`
	GoodWithout Tally     `json:"good_requests_without"`
	GoodWith    Tally     `json:"good_requests_with"`
	Overhead    *Overhead `json:"overhead,omitempty"`
}

// Outcome is one attack on both sides.
type Outcome struct {
	Name    string `json:"name"`
	Wants   string `json:"wants"`
	Loot    string `json:"loot"` // what it gains when it works
	Without Result `json:"without"`
	With    Result `json:"with"`
}

// Result is one attack on one side.
type Result struct {
	Got       bool            `json:"got"` // the attacker got it
	Status    int             `json:"status,omitempty"`
	Failure   string          `json:"failure,omitempty"`    // how the function failed
	StoppedBy string          `json:"stopped_by,omitempty"` // the control
	Rule      string          `json:"rule,omitempty"`
	Event     json.RawMessage `json:"event,omitempty"` // the event line
}

// Tally counts good requests.
type Tally struct {
	Made   int      `json:"made"`
	Broken []Broken `json:"broken,omitempty"`
}

// Broken is a good request that was not answered as it should be.
type Broken struct {
	Request string `json:"request"`
	When    string `json:"when"`
	Status  int    `json:"status"`
	Answer  string `json:"answer"`

	Events []json.RawMessage `json:"events,omitempty"` // what the enforcer had to say about it
}

// GotThrough counts the attacks that worked on the protected function.
func (r *Report) GotThrough() int {
	n := 0
	for _, o := range r.Attacks {
		if o.With.Got {
			n++
		}
	}
	return n
}

// Duds counts the attacks that did not even work on the unprotected function: they show nothing.
func (r *Report) Duds() int {
	n := 0
	for _, o := range r.Attacks {
		if !o.Without.Got {
			n++
		}
	}
	return n
}

// Unnamed counts the attacks that failed on the protected function without a word from the enforcer about why.
func (r *Report) Unnamed() int {
	n := 0
	for _, o := range r.Attacks {
		if !o.With.Got && o.With.Rule == "" {
			n++
		}
	}
	return n
}

// Passed says whether the demo showed what it is for.
func (r *Report) Passed() bool {
	return r.GotThrough() == 0 && r.Duds() == 0 && len(r.GoodWith.Broken) == 0 && len(r.GoodWithout.Broken) == 0
}

// keepAttack leaves an attack's event, the function's answer, its log and the event lines in the directory asked for.
func (s *session) keepAttack(a Attack, event []byte, p page, answer *Answer) error {
	if s.Keep == "" {
		return nil
	}
	var events strings.Builder
	for _, line := range answer.Events {
		events.Write(append(line, '\n'))
	}
	files := map[string]string{
		a.Name + ".event.json": string(event) + "\n",
		fmt.Sprintf("%s.%s.response.txt", a.Name, side(s.protected)): answer.Failure + p.Body,
		fmt.Sprintf("%s.%s.log", a.Name, side(s.protected)):          strings.Join(answer.Log, "\n") + "\n",
	}
	if s.protected {
		files[a.Name+".events.jsonl"] = events.String()
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(s.Keep, name), []byte(text), 0o644); err != nil {
			return fmt.Errorf("keep what happened: %w", err)
		}
	}
	return nil
}
