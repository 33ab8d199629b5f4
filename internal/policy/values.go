package policy

import (
	"encoding/hex"
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"
)

// value is a kind of value that a key can have: it reads itself from YAML and describes itself in the JSON Schema, so
// that the two cannot drift apart.
type value interface {
	read(r *reader, path string, n *yaml.Node)
	schema() map[string]any
}

// key is one key of a mapping.
type key struct {
	name  string
	doc   string
	value value
}

// object is a mapping with known keys.
type object []key

func (o object) names() []string {
	names := make([]string, len(o))
	for i, k := range o {
		names[i] = k.name
	}
	return names
}

func (o object) find(name string) (key, bool) {
	for _, k := range o {
		if k.name == name {
			return k, true
		}
	}
	return key{}, false
}

func (o object) read(r *reader, path string, n *yaml.Node) {
	if n.Kind != yaml.MappingNode {
		r.fail(n, "%s: want a mapping with %s, got %s", path, list(o.names(), "and"), describe(n))
		return
	}
	seen := map[string]*yaml.Node{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		o.readKey(r, path, n.Content[i], n.Content[i+1], seen)
	}
}

func (o object) readKey(r *reader, path string, name, n *yaml.Node, seen map[string]*yaml.Node) {
	full := strings.TrimPrefix(path+"."+name.Value, ".")
	k, known := o.find(name.Value)
	if !known || name.Kind != yaml.ScalarNode {
		r.fail(name, "%s", o.unknown(path, name.Value))
		return
	}
	if first := seen[name.Value]; first != nil {
		r.fail(name, "%s is given twice: the first is in line %d", full, first.Line)
		return
	}
	seen[name.Value] = name
	r.at[full] = position{name.Line, name.Column}
	if n.Kind == yaml.ScalarNode && n.Tag == "!!null" {
		r.fail(name, "%s has no value: give it one, or remove the key to get the default", full)
		return
	}
	k.value.read(r, full, n)
}

// unknown says what was probably meant by a key that does not exist here, which may be a key of another place.
func (o object) unknown(path, name string) string {
	where := "a policy"
	if path != "" {
		where = path
	}
	hint := didYouMean(name, o.names())
	if hint == "" {
		if home := homes[name]; home != "" && home != path {
			hint = fmt.Sprintf("; did you mean it to stand in %s?", home)
		}
	}
	if hint == "" {
		hint = "; it knows " + list(o.names(), "and")
	}
	return fmt.Sprintf("%s has no key %q%s", where, shorten(name), hint)
}

// homes are the places of the keys that stand in one place only.
var homes = map[string]string{
	"children": "exec or credentials", "allow": "exec or net", "functions": "match", "sets": "forbid", "names": "forbid",
	"load": "tmp", "write": "tmp", "environ": "credentials", "action": "reply", "connect": "net", "tripwires": "net",
	"runtime_api_children": "net", "path": "an entry of exec.allow", "args": "an entry of exec.allow",
	"from": "an entry of exec.allow", "mode": "exec, forbid, tmp, memory, credentials, reply or net",
	"name": "the top level", "seal": "the top level", "fail": "the top level", "on_violation": "the top level",
	"announce": "the top level", "decoys": "the top level", "match": "the top level",
}

// choice is a word and what it means.
type choice[T comparable] struct {
	word  string
	means T
}

// oneOf is a value out of a few words.
type oneOf[T comparable] struct {
	to      *T
	choices []choice[T]
}

func (o oneOf[T]) words() []string {
	words := make([]string, len(o.choices))
	for i, c := range o.choices {
		words[i] = c.word
	}
	return words
}

func (o oneOf[T]) read(r *reader, path string, n *yaml.Node) {
	for _, c := range o.choices {
		if n.Kind == yaml.ScalarNode && n.Value == c.word {
			*o.to = c.means
			return
		}
	}
	hint := didYouMean(n.Value, o.words())
	if n.Tag == "!!bool" && n.Value == "false" {
		hint = didYouMean("off", o.words())
	}
	r.fail(n, "%s: want %s, got %s%s", path, list(o.words(), "or"), describe(n), hint)
}

func words(to *string, names ...string) oneOf[string] {
	o := oneOf[string]{to: to}
	for _, n := range names {
		o.choices = append(o.choices, choice[string]{n, n})
	}
	return o
}

func mode(to *Mode) oneOf[Mode] {
	return oneOf[Mode]{to, []choice[Mode]{{"enforce", Enforce}, {"audit", Audit}, {"off", Off}}}
}

func deny(to *bool) oneOf[bool] {
	return oneOf[bool]{to, []choice[bool]{{"deny", true}, {"allow", false}}}
}

// boolean is true or false; YAML's yes and no are too easily mistaken for words.
type boolean struct{ to *bool }

func (b boolean) read(r *reader, path string, n *yaml.Node) {
	if n.Kind != yaml.ScalarNode || n.Value != "true" && n.Value != "false" {
		r.fail(n, "%s: want true or false, got %s", path, describe(n))
		return
	}
	*b.to = n.Value == "true"
}

// versionNumber is the version of the policy language.
type versionNumber struct{ to *int }

func (v versionNumber) read(r *reader, path string, n *yaml.Node) {
	if n.Kind != yaml.ScalarNode || n.Value != "1" {
		r.fail(n, "%s: want 1, the only version of the policy language, got %s", path, describe(n))
		return
	}
	*v.to = 1
}

// text is a string that may have to pass a check, which returns what is wrong with it.
type text struct {
	to    *string
	check func(string) string
}

func (t text) read(r *reader, path string, n *yaml.Node) {
	if s, ok := readText(r, path, n, t.check); ok {
		*t.to = s
	}
}

func readText(r *reader, path string, n *yaml.Node, check func(string) string) (string, bool) {
	if n.Kind != yaml.ScalarNode || n.Tag != "!!str" && n.Tag != "!!int" {
		r.fail(n, "%s: want a string, got %s%s", path, describe(n), quoteHint(n))
		return "", false
	}
	if check != nil {
		if wrong := check(n.Value); wrong != "" {
			r.fail(n, "%s: %s", path, wrong)
			return "", false
		}
	}
	return n.Value, true
}

func quoteHint(n *yaml.Node) string {
	if n.Kind == yaml.ScalarNode && n.Tag != "!!null" {
		return fmt.Sprintf(": quote it, %q", shorten(n.Value))
	}
	if n.Kind == yaml.MappingNode && n.Style&yaml.FlowStyle != 0 {
		return ": quote a string that begins with '{'"
	}
	return ""
}

// texts is a list of strings.
type texts struct {
	to    *[]string
	check func(string) string
	empty string // what an empty list would mean; then it is refused
}

func (t texts) read(r *reader, path string, n *yaml.Node) {
	if n.Kind != yaml.SequenceNode {
		r.fail(n, "%s: want a list of strings, got %s%s", path, describe(n), listHint(n))
		return
	}
	if len(n.Content) == 0 && t.empty != "" {
		r.fail(n, "%s is empty: %s", path, t.empty)
	}
	*t.to = make([]string, 0, len(n.Content))
	for i, c := range n.Content {
		item := fmt.Sprintf("%s[%d]", path, i)
		r.at[item] = position{c.Line, c.Column}
		if s, ok := readText(r, item, c, t.check); ok {
			*t.to = append(*t.to, s)
		}
	}
}

func listHint(n *yaml.Node) string {
	if n.Kind == yaml.ScalarNode && n.Tag == "!!str" {
		return fmt.Sprintf("; write [%q]", shorten(n.Value))
	}
	return ""
}

// digest is a SHA-256 in hexadecimal.
type digest struct{ to **[32]byte }

func (d digest) read(r *reader, path string, n *yaml.Node) {
	if sum, ok := readDigest(r, path, n); ok {
		*d.to = &sum
	}
}

func readDigest(r *reader, path string, n *yaml.Node) (sum [32]byte, ok bool) {
	raw, err := hex.DecodeString(n.Value)
	switch {
	case n.Kind != yaml.ScalarNode:
		r.fail(n, "%s: want a SHA-256, got %s", path, describe(n))
	case err != nil || len(raw) != len(sum):
		r.fail(n, "%s: want a SHA-256, 64 hexadecimal digits, got %s with %d characters; sha256sum prints it",
			path, describe(n), len(n.Value))
	default:
		copy(sum[:], raw)
		return sum, true
	}
	return sum, false
}

// digests is a list of SHA-256.
type digests struct{ to *[][32]byte }

func (d digests) read(r *reader, path string, n *yaml.Node) {
	if n.Kind != yaml.SequenceNode {
		r.fail(n, "%s: want a list of SHA-256, got %s%s", path, describe(n), listHint(n))
		return
	}
	*d.to = nil
	for i, c := range n.Content {
		item := fmt.Sprintf("%s[%d]", path, i)
		r.at[item] = position{c.Line, c.Column}
		if sum, ok := readDigest(r, item, c); ok {
			*d.to = append(*d.to, sum)
		}
	}
}
