// Package forbid holds the curated sets: programs that a function has no business shipping or running, by name, by digest
// and by content signature.
//
// One source serves both ends: the policy compiler puts the selected sets into the blob, where the enforcer matches them at
// run time, and the scanner looks for the same entries in packages. The data are the JSON files under sets/, one a set;
// docs/curated-sets.md lists them and says how to propose an entry.
package forbid

import (
	"bytes"
	"embed"
	"encoding/json"
	"fmt"
	"sync"
)

// Set is one curated set, entries ordered by ID.
type Set struct {
	Name    string  `json:"name"` // as written in forbid.sets
	Title   string  `json:"title"`
	Entries []Entry `json:"entries"`
}

// Entry is one program or family of programs.
type Entry struct {
	ID         string      `json:"id"`
	Names      []string    `json:"names"`      // globs (* and ?) over base names, compared without regard to ASCII case
	SHA256     []string    `json:"sha256"`     // lower-case hex
	Signatures []Signature `json:"signatures"` // any one identifies the program
	Source     string      `json:"source"`     // where the entry is known from
}

// Signature identifies a program by its content: all of its byte strings occur in the file.
type Signature struct {
	All []string `json:"all"`
	Why string   `json:"why"` // what the strings are in the program, and why others do not hold them all
}

// Matches says whether all strings of the signature occur in data.
func (s Signature) Matches(data []byte) bool {
	for _, part := range s.All {
		if !bytes.Contains(data, []byte(part)) {
			return false
		}
	}
	return len(s.All) > 0
}

// names lists the sets in the order in which they are documented.
var names = []string{"miners", "offensive-tools", "downloaders", "shells", "interpreters"}

//go:embed sets/*.json
var files embed.FS

// load parses the embedded sets once. They are part of the program: damage is a defect that the tests find.
var load = sync.OnceValue(func() map[string]Set {
	sets := make(map[string]Set, len(names))
	for _, name := range names {
		set, err := parse(name)
		if err != nil {
			panic(err)
		}
		sets[name] = set
	}
	return sets
})

func parse(name string) (Set, error) {
	data, err := files.ReadFile("sets/" + name + ".json")
	if err != nil {
		return Set{}, fmt.Errorf("read curated set %q: %w", name, err)
	}
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	var set Set
	if err := decoder.Decode(&set); err != nil {
		return Set{}, fmt.Errorf("parse curated set %q: %w", name, err)
	}
	return set, nil
}

// Names returns the names of all sets.
func Names() []string {
	return append([]string(nil), names...)
}

// Lookup returns the set of that name. The caller must not change it.
func Lookup(name string) (Set, bool) {
	set, ok := load()[name]
	return set, ok
}
