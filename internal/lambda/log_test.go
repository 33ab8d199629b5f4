package lambda

import (
	"bytes"
	"fmt"
	"math/rand"
	"slices"
	"strings"
	"sync"
	"testing"
)

func TestStream(t *testing.T) {
	const event = `{"thimble":1,"control":"exec"}`
	tests := []struct {
		name   string
		writes []string
		lines  []string
		events []string
	}{
		{"lines", []string{"a\nb\n"}, []string{"a", "b"}, nil},
		{"pieces", []string{"a", "b", "c\nd", "\n"}, []string{"abc", "d"}, nil},
		{"no end", []string{"a\nb"}, []string{"a", "b"}, nil},
		{"empty lines", []string{"\n\n"}, []string{"", ""}, nil},
		{"carriage return", []string{"a\r\n"}, []string{"a"}, nil},
		{"event", []string{event + "\n"}, nil, []string{event}},
		{"event in pieces", []string{event[:5], event[5:20], event[20:] + "\n"}, nil, []string{event}},
		{"events and lines", []string{"a\n" + event + "\nb\n" + event + "\n"}, []string{"a", "b"}, []string{event, event}},
		{"event inside a line", []string{"be", "gun " + event + "\n", "and ended\n"}, []string{"begun and ended"}, []string{event}},
		{"two events inside a line", []string{"a" + event + "\n" + "b" + event + "\nc\n"}, []string{"abc"}, []string{event, event}},
		{"event last", []string{"a", event + "\n"}, []string{"a"}, []string{event}},
		{"no event: cut", []string{event[:20] + "\n"}, []string{event[:20]}, nil},
		{"no event: more behind", []string{event + " x\n"}, []string{event + " x"}, nil},
		{"no event: other JSON", []string{`{"a":1}` + "\n"}, []string{`{"a":1}`}, nil},
		{"event after a broken one", []string{`{"thimble":` + event + "\n"}, []string{`{"thimble":`}, []string{event}},
		{"long", []string{strings.Repeat("x", maxLine+10) + "\n"}, []string{strings.Repeat("x", maxLine+10)}, nil},
		{"binary", []string{"a\x00b\xff\n"}, []string{"a\x00b\xff"}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			j := &journal{}
			s, err := newStream(j, true)
			if err != nil {
				t.Fatal(err)
			}
			for _, w := range tt.writes {
				if _, err := s.write.WriteString(w); err != nil {
					t.Fatal(err)
				}
			}
			s.sync()
			lines, events := j.take()
			s.close()
			compareJournal(t, tt.name == "long", lines, events, tt.lines, tt.events)
		})
	}
}

// compareJournal joins the lines where a long one may have been cut.
func compareJournal(t *testing.T, join bool, lines []string, events []Event, wantLines, wantEvents []string) {
	t.Helper()
	if join {
		lines, wantLines = []string{strings.Join(lines, "")}, []string{strings.Join(wantLines, "")}
	}
	if !slices.Equal(lines, wantLines) {
		t.Errorf("lines: got %.200q, want %.200q", lines, wantLines)
	}
	var got []string
	for _, e := range events {
		got = append(got, string(e))
	}
	if !slices.Equal(got, wantEvents) {
		t.Errorf("events: got %q, want %q", got, wantEvents)
	}
}

// TestStreamOfMany has several writers, each line or event with a single write: none may be lost or mixed up.
func TestStreamOfMany(t *testing.T) {
	j := &journal{live: &bytes.Buffer{}}
	s, err := newStream(j, true)
	if err != nil {
		t.Fatal(err)
	}
	const writers, each = 4, 200
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for i := range each {
				fmt.Fprintf(s.write, "line %d %d %s\n", w, i, strings.Repeat("x", rand.Intn(300)))
				fmt.Fprintf(s.write, `{"thimble":1,"n":%d}`+"\n", w*each+i)
			}
		})
	}
	wg.Wait()
	s.sync()
	lines, events := j.take()
	s.close()
	if len(lines) != writers*each || len(events) != writers*each {
		t.Errorf("got %d lines and %d events, want %d of each", len(lines), len(events), writers*each)
	}
	if n := bytes.Count(j.live.(*bytes.Buffer).Bytes(), []byte("\n")); n != writers*each {
		t.Errorf("the live log has %d lines, want %d", n, writers*each)
	}
}

// TestStdoutHasNoEvents: the enforcer writes to stderr; what looks like an event on stdout is the function's own.
func TestStdoutHasNoEvents(t *testing.T) {
	j := &journal{}
	s, err := newStream(j, false)
	if err != nil {
		t.Fatal(err)
	}
	defer s.close()
	s.write.WriteString(`{"thimble":1}` + "\n")
	s.sync()
	if lines, events := j.take(); len(lines) != 1 || len(events) != 0 {
		t.Errorf("got %q and %q", lines, events)
	}
}

// FuzzStream: however the bytes are cut, every line and event comes out the same.
func FuzzStream(f *testing.F) {
	f.Add([]byte("a\n{\"thimble\":1}\nb"), 3)
	f.Add([]byte("x{\"thimble\":1}\n\x00mark-"), 1)
	f.Fuzz(func(t *testing.T, data []byte, size int) {
		if size <= 0 || len(data) > 1000 {
			return
		}
		whole, cut := consumeAll(data, len(data)+1), consumeAll(data, size)
		if !slices.Equal(whole.lines, cut.lines) || len(whole.events) != len(cut.events) {
			t.Errorf("%q in pieces of %d: got %q and %q, want %q and %q", data, size, cut.lines, cut.events, whole.lines, whole.events)
		}
	})
}

func consumeAll(data []byte, size int) *journal {
	s := &stream{journal: &journal{}, events: true, nonce: []byte("\x00mark-never\x00")}
	var pending []byte
	for len(data) > 0 {
		n := min(size, len(data))
		pending = s.consume(append(pending, data[:n]...))
		data = data[n:]
	}
	s.text(pending)
	s.flush()
	return s.journal
}
