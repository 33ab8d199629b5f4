package lambda

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"sync"
	"time"
)

// Event is one event line of the enforcer, as it was written.
type Event = json.RawMessage

// eventStart is how every event line begins.
var eventStart = []byte(`{"thimble":`)

// maxLine is where a line without an end is cut.
const maxLine = 256 << 10

// journal gathers what a function writes: log lines and event lines in the order in which they came.
type journal struct {
	live io.Writer // gets log lines at once; may be nil

	mu     sync.Mutex
	lines  []string
	events []Event
}

func (j *journal) addLine(line []byte) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.lines = append(j.lines, string(line))
	if j.live != nil {
		fmt.Fprintf(j.live, "%s\n", line)
	}
}

func (j *journal) addEvent(event []byte) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.events = append(j.events, Event(bytes.Clone(event)))
}

// take returns what has been gathered since it was last called.
func (j *journal) take() ([]string, []Event) {
	j.mu.Lock()
	defer j.mu.Unlock()
	lines, events := j.lines, j.events
	j.lines, j.events = nil, nil
	return lines, events
}

// stream reads one of the function's two outputs. The function has the pipe's other end, and so have we: what we write
// into it (a mark) comes out after everything that the function had written by then.
type stream struct {
	journal *journal
	events  bool // event lines are looked for here
	input   *os.File
	write   *os.File
	nonce   []byte
	marks   chan struct{}
	done    chan struct{}

	partial []byte // log text whose line is not complete
}

// newStream makes a pipe; its write end is for the function, until closeWrite.
func newStream(j *journal, events bool) (*stream, error) {
	read, write, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("make a pipe for the log: %w", err)
	}
	s := &stream{
		journal: j, events: events, input: read, write: write,
		nonce: fmt.Appendf(nil, "\x00mark-%x\x00", randomBytes(16)),
		marks: make(chan struct{}, 1),
		done:  make(chan struct{}),
	}
	go s.read()
	return s, nil
}

// sync waits until everything written before is in the journal.
func (s *stream) sync() {
	if _, err := s.write.Write(s.nonce); err != nil {
		return // closed
	}
	select {
	case <-s.marks:
	case <-s.done:
	}
}

// close ends the stream. Outside the sandbox a process that left its group may still hold the write end.
func (s *stream) close() {
	s.write.Close()
	s.input.SetReadDeadline(time.Now().Add(time.Second))
	<-s.done
}

func (s *stream) read() {
	defer close(s.done)
	defer s.input.Close()
	var pending []byte
	buf := make([]byte, 32<<10)
	for {
		n, err := s.input.Read(buf)
		pending = s.consume(append(pending, buf[:n]...))
		if err != nil {
			s.text(pending)
			s.flush()
			return
		}
	}
}

// consume takes complete lines and marks off data and returns the rest.
func (s *stream) consume(data []byte) []byte {
	for {
		if before, after, found := bytes.Cut(data, s.nonce); found && !bytes.Contains(before, []byte("\n")) {
			s.text(before)
			s.flush()
			s.marks <- struct{}{}
			data = after
			continue
		}
		line, rest, found := bytes.Cut(data, []byte("\n"))
		if !found {
			break
		}
		s.line(line)
		data = rest
	}
	if len(data) > maxLine {
		s.line(data)
		data = nil
	}
	return bytes.Clone(data)
}

// line takes one line, without its end. An event is written at once, but it may land in the middle of a log line that
// the function writes in pieces: what stands before it is the beginning of a log line that goes on after it.
func (s *stream) line(line []byte) {
	if before, event, ok := s.cutEvent(line); ok {
		s.partial = append(s.partial, before...)
		s.journal.addEvent(event)
		return
	}
	s.text(line)
	s.journal.addLine(bytes.TrimSuffix(s.partial, []byte("\r")))
	s.partial = s.partial[:0]
}

func (s *stream) text(b []byte) { s.partial = append(s.partial, b...) }

// flush ends a log line that the function has not ended, because the invocation has.
func (s *stream) flush() {
	if len(s.partial) > 0 {
		s.line(nil)
	}
}

// cutEvent finds an event at the end of a line: from its beginning to the line's end it must be one JSON object.
func (s *stream) cutEvent(line []byte) (before, event []byte, ok bool) {
	if !s.events {
		return nil, nil, false
	}
	for from := 0; ; {
		at := bytes.Index(line[from:], eventStart)
		if at < 0 {
			return nil, nil, false
		}
		from += at
		if json.Valid(line[from:]) {
			return line[:from], line[from:], true
		}
		from += len(eventStart)
	}
}
