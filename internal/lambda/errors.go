package lambda

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"time"
)

// FunctionError is how an invocation failed, as Lambda reports it to the caller.
type FunctionError struct {
	Type    string `json:"errorType"`
	Message string `json:"errorMessage"`
	// Raw is the JSON object that the runtime sent, stack trace included; empty when the platform made the error.
	Raw json.RawMessage `json:"-"`
}

func (e *FunctionError) Error() string {
	if e.Type == "" {
		return e.Message
	}
	return e.Type + ": " + e.Message
}

// Payload is what the caller of the function gets to see.
func (e *FunctionError) Payload() []byte {
	if len(e.Raw) > 0 {
		return e.Raw
	}
	data, err := json.Marshal(e)
	if err != nil { // two strings always marshal
		panic(err)
	}
	return data
}

// MarshalJSON shows what the caller of the function gets to see.
func (e *FunctionError) MarshalJSON() ([]byte, error) {
	if len(e.Raw) > 0 {
		return e.Raw, nil
	}
	type plain FunctionError
	return json.Marshal((*plain)(e))
}

// reportedError reads an error that a runtime posted. A body that is no JSON object is kept as the message.
func reportedError(h http.Header, body []byte) *FunctionError {
	e := &FunctionError{}
	if err := json.Unmarshal(body, e); err == nil {
		e.Raw = body
	} else {
		e.Message = string(body)
	}
	if e.Type == "" {
		e.Type = h.Get("Lambda-Runtime-Function-Error-Type")
	}
	if e.Type == "" {
		e.Type = "Runtime.Unknown"
	}
	return e
}

// trailerError reads an error that befell a streaming function after its response had begun. Clients send the body
// in base64, because a trailer is one line.
func trailerError(trailer http.Header) *FunctionError {
	kind := trailer.Get("Lambda-Runtime-Function-Error-Type")
	if kind == "" {
		return nil
	}
	body := trailer.Get("Lambda-Runtime-Function-Error-Body")
	raw, err := base64.StdEncoding.DecodeString(body)
	if err != nil {
		raw = []byte(body)
	}
	e := reportedError(trailer, raw)
	e.Type = kind
	return e
}

// aboutRequest words an error of the platform's own, as RIE does.
func aboutRequest(kind, id, format string, a ...any) *FunctionError {
	return &FunctionError{Type: kind, Message: "RequestId: " + id + " Error: " + fmt.Sprintf(format, a...)}
}

func timedOut(id string, after time.Duration) *FunctionError {
	return aboutRequest("Sandbox.Timedout", id, "Task timed out after %.2f seconds", after.Seconds())
}

func tooLarge(limit int64) *FunctionError {
	return &FunctionError{
		Type:    "Function.ResponseSizeTooLarge",
		Message: fmt.Sprintf("Response payload size exceeded maximum allowed payload size (%d bytes).", limit),
	}
}

func apiError(w http.ResponseWriter, status int, kind, message string) {
	writeJSON(w, status, map[string]string{"errorType": kind, "errorMessage": message})
}

func accepted(w http.ResponseWriter) {
	writeJSON(w, http.StatusAccepted, map[string]string{"status": "OK"})
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(v)
}
