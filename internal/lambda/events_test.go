package lambda

import (
	"strings"
	"testing"
)

func TestParseEvents(t *testing.T) {
	tests := []struct {
		name, data string
		want       []string
	}{
		{"one", `{"a":1}`, []string{`{"a":1}`}},
		{"over lines", "{\n  \"a\": 1\n}\n", []string{"{\n  \"a\": 1\n}"}},
		{"lines", "{\"a\":1}\n\n\"b\"\n3\n", []string{`{"a":1}`, `"b"`, "3"}},
		{"array", `[{"a":1}, null]`, []string{`{"a":1}`, "null"}},
		{"an array as event", `[[1,2]]`, []string{"[1,2]"}},
		{"arrays in lines", "[1]\n[2]\n", []string{"[1]", "[2]"}},
	}
	for _, tt := range tests {
		got, err := ParseEvents("file", []byte(tt.data))
		if err != nil || len(got) != len(tt.want) {
			t.Errorf("%s: got %q, %v, want %q", tt.name, got, err, tt.want)
			continue
		}
		for i := range got {
			if string(got[i]) != tt.want[i] {
				t.Errorf("%s: event %d: got %q, want %q", tt.name, i, got[i], tt.want[i])
			}
		}
	}
}

func TestParseEventsErrors(t *testing.T) {
	for data, want := range map[string]string{
		"":                  "file: no event",
		" \n":               "file: no event",
		"[]":                "file: no event",
		"{\"a\":1}\n{x}":    "file:2:2: ",
		"{\"a\":1}\n{\"b\"": "file:2:5: ",
		"nul":               "file:1:4: ",
		"\xff":              "file:1:1: ",
	} {
		got, err := ParseEvents("file", []byte(data))
		if err == nil || !strings.HasPrefix(err.Error(), want) || got != nil {
			t.Errorf("%q: got %q, %v, want an error with %q", data, got, err, want)
		}
	}
}

func FuzzParseEvents(f *testing.F) {
	f.Add([]byte(`{"a":1}`))
	f.Add([]byte("[1,2]\n3"))
	f.Fuzz(func(t *testing.T, data []byte) {
		events, err := ParseEvents("file", data)
		if err != nil && events != nil {
			t.Errorf("an error and events: %v, %q", err, events)
		}
		for _, e := range events {
			if err := checkEvent(e); err != nil {
				t.Errorf("event %q: %v", e, err)
			}
		}
	})
}
