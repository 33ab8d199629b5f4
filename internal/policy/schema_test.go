package policy

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"slices"
	"testing"

	"go.yaml.in/yaml/v3"
)

func TestSchemaFileIsCurrent(t *testing.T) {
	got, err := os.ReadFile("../../docs/policy.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, Schema()) {
		t.Error("docs/policy.schema.json differs from what the parser knows; run: go generate ./internal/policy")
	}
}

// accepts says why a document does not fit a schema, as far as ours go.
func accepts(schema map[string]any, doc any) error {
	if options, ok := schema["enum"].([]any); ok && !slices.Contains(options, doc) {
		return fmt.Errorf("%v is none of %v", doc, options)
	}
	if c, ok := schema["const"]; ok && fmt.Sprint(c) != fmt.Sprint(doc) {
		return fmt.Errorf("%v is not %v", doc, c)
	}
	switch doc := doc.(type) {
	case map[string]any:
		return acceptsObject(schema, doc)
	case []any:
		return acceptsArray(schema, doc)
	case string:
		if pattern, ok := schema["pattern"].(string); ok && !regexp.MustCompile(pattern).MatchString(doc) {
			return fmt.Errorf("%q does not match %s", doc, pattern)
		}
		if schema["type"] == "boolean" || schema["type"] == "array" || schema["type"] == "object" {
			return fmt.Errorf("%q is no %v", doc, schema["type"])
		}
	case bool:
		if schema["type"] != "boolean" {
			return fmt.Errorf("%v is no %v", doc, schema["type"])
		}
	}
	return nil
}

func acceptsObject(schema, doc map[string]any) error {
	properties, _ := schema["properties"].(map[string]any)
	required, _ := schema["required"].([]any)
	for _, name := range required {
		if _, ok := doc[name.(string)]; !ok {
			return fmt.Errorf("%v is missing", name)
		}
	}
	for name, v := range doc {
		sub, known := properties[name].(map[string]any)
		if !known {
			return fmt.Errorf("unknown key %q", name)
		}
		if err := accepts(sub, v); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

func acceptsArray(schema map[string]any, doc []any) error {
	items, ok := schema["items"].(map[string]any)
	if !ok {
		return fmt.Errorf("a list is no %v", schema["type"])
	}
	if n, ok := schema["minItems"].(float64); ok && len(doc) < int(n) {
		return fmt.Errorf("%d items, want %v", len(doc), n)
	}
	for i, v := range doc {
		if err := accepts(items, v); err != nil {
			return fmt.Errorf("[%d]: %w", i, err)
		}
	}
	return nil
}

// The schema takes what the parser takes, and refuses what the parser refuses for the shape of it.
func TestSchemaAgreesWithTheParser(t *testing.T) {
	var schema map[string]any
	if err := json.Unmarshal(Schema(), &schema); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name, doc string
		want      bool
	}{
		{"contract", string(readTestdata(t, "contract.yaml")), true},
		{"default", DefaultYAML, true},
		{"smallest", "version: 1", true},
		{"no version", "name: x", false},
		{"version", "version: 2", false},
		{"unknown key", "version: 1\nnmae: x", false},
		{"unknown inner key", "version: 1\nexec: {childs: none}", false},
		{"enum", "version: 1\nexec: {mode: on}", false},
		{"boolean", "version: 1\ndecoys: 'x'", false},
		{"list", "version: 1\nforbid: {names: nmap}", false},
		{"digest", "version: 1\nforbid: {sha256: [abc]}", false},
		{"no path", "version: 1\nexec: {allow: [{args: [[]]}]}", false},
		{"no lists", "version: 1\nexec: {allow: [{path: /a, args: []}]}", false},
		{"flat args", "version: 1\nexec: {allow: [{path: /a, args: [a]}]}", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var doc any
			if err := yaml.Unmarshal([]byte(tt.doc), &doc); err != nil {
				t.Fatal(err)
			}
			err := accepts(schema, doc)
			if (err == nil) != tt.want {
				t.Errorf("schema: got %v, want accepted %v", err, tt.want)
			}
			if _, err := Parse("p", []byte(tt.doc)); (err == nil) != tt.want {
				t.Errorf("parser: got %v, want accepted %v", err, tt.want)
			}
		})
	}
}
