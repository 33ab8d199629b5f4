package policy

import (
	"os"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

func readReference(t *testing.T) string {
	t.Helper()
	data, err := os.ReadFile("../../docs/policy.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// The reference has a row for every key of the language.
func TestReferenceNamesEveryKey(t *testing.T) {
	reference := readReference(t)
	var walk func(prefix string, o object)
	walk = func(prefix string, o object) {
		for _, k := range o {
			if inner, ok := k.value.(object); ok {
				walk(prefix+k.name+".", inner)
				continue
			}
			if !strings.Contains(reference, "\n| `"+prefix+k.name+"` |") {
				t.Errorf("docs/policy.md has no row for %s%s", prefix, k.name)
			}
		}
	}
	walk("", policyKeys(Default()))
	var args []*yaml.Node
	walk("", allowKeys(&Allow{}, &args))
}

func TestReferenceExamplesAreRight(t *testing.T) {
	blocks := strings.Split(readReference(t), "```yaml\n")[1:]
	if len(blocks) == 0 {
		t.Fatal("docs/policy.md has no example")
	}
	for _, b := range blocks {
		text, _, _ := strings.Cut(b, "```")
		if _, err := Parse("docs/policy.md", []byte(text)); err != nil {
			t.Errorf("%v", err)
		}
	}
}
