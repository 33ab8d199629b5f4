package lambda

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// ParseEvents reads a file of events: JSON values one after the other (JSON lines, or one event over several lines),
// or a single array whose elements are the events. An event that is itself an array is written as [[…]]. name is for
// the error, which says where the mistake is.
func ParseEvents(name string, data []byte) ([][]byte, error) {
	dec := json.NewDecoder(bytes.NewReader(data))
	var values []json.RawMessage
	for {
		var v json.RawMessage
		err := dec.Decode(&v)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, eventError(name, data, err)
		}
		values = append(values, v)
	}
	if len(values) == 1 && values[0][0] == '[' {
		var elements []json.RawMessage
		if err := json.Unmarshal(values[0], &elements); err != nil {
			return nil, eventError(name, data, err)
		}
		values = elements
	}
	if len(values) == 0 {
		return nil, fmt.Errorf("%s: no event: want JSON, one event a line or an array of events", name)
	}
	events := make([][]byte, len(values))
	for i, v := range values {
		events[i] = v
	}
	return events, nil
}

// eventError puts line and column before what the decoder says.
func eventError(name string, data []byte, err error) error {
	at := len(data)
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) && syntax.Offset > 0 && int(syntax.Offset) <= len(data) {
		at = int(syntax.Offset) - 1
	}
	line := 1 + bytes.Count(data[:at], []byte("\n"))
	column := at - bytes.LastIndexByte(data[:at], '\n')
	return fmt.Errorf("%s:%d:%d: the event is no JSON: %w", name, line, column, err)
}
