package policy

import (
	"encoding/json"
	"fmt"

	"go.yaml.in/yaml/v3"
)

//go:generate go run ../../cmd/thimble policy schema -o ../../docs/policy.schema.json

// Schema returns the JSON Schema of a policy file, for editors. It is made from the same table as the parser; what
// concerns several keys, and the insides of templates, only the parser checks.
func Schema() []byte {
	s := object(policyKeys(Default())).schema()
	s["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	s["title"] = "Thimble policy"
	s["required"] = []string{"version"}
	out, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		panic(fmt.Sprintf("policy schema: %v", err)) // maps, strings and numbers always marshal
	}
	return append(out, '\n')
}

func (o object) schema() map[string]any {
	properties := map[string]any{}
	for _, k := range o {
		s := k.value.schema()
		s["description"] = k.doc
		properties[k.name] = s
	}
	return map[string]any{"type": "object", "additionalProperties": false, "properties": properties}
}

func (o oneOf[T]) schema() map[string]any {
	s := map[string]any{"enum": o.words()}
	for _, c := range o.choices {
		if c.means == *o.to {
			s["default"] = c.word
		}
	}
	return s
}

func (b boolean) schema() map[string]any { return map[string]any{"type": "boolean", "default": *b.to} }

func (versionNumber) schema() map[string]any { return map[string]any{"const": 1} }

func (t text) schema() map[string]any { return map[string]any{"type": "string", "minLength": 1} }

func (t texts) schema() map[string]any {
	s := map[string]any{"type": "array", "items": map[string]any{"type": "string", "minLength": 1}}
	if t.empty != "" {
		s["minItems"] = 1
	}
	if len(*t.to) > 0 {
		s["default"] = *t.to
	}
	return s
}

const digestPattern = "^[0-9a-fA-F]{64}$"

func (digest) schema() map[string]any {
	return map[string]any{"type": "string", "pattern": digestPattern}
}

func (digests) schema() map[string]any {
	return map[string]any{"type": "array", "items": digest{}.schema()}
}

func (l allowList) schema() map[string]any {
	var args []*yaml.Node
	entry := allowKeys(&Allow{}, &args).schema()
	entry["required"] = []string{"path"}
	return map[string]any{"type": "array", "items": entry}
}

func (argLists) schema() map[string]any {
	list := map[string]any{"type": "array", "items": map[string]any{"type": []string{"string", "integer"}}}
	return map[string]any{"type": "array", "minItems": 1, "items": list}
}
