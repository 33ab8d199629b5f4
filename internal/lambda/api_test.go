package lambda

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"
)

// apiCall is one request of a runtime and the answer that it must get.
type apiCall struct {
	method, path string // {id} stands for the invocation's
	body         string
	headers      map[string]string
	trailer      map[string]string
	status       int
	errorType    string
}

const apiBase = "/2018-06-01"

var (
	callNext     = apiCall{"GET", "/runtime/invocation/next", "", nil, nil, 200, ""}
	callResponse = apiCall{"POST", "/runtime/invocation/{id}/response", `"done"`, nil, nil, 202, ""}
	callError    = apiCall{"POST", "/runtime/invocation/{id}/error", `{"errorType":"E","errorMessage":"m","stackTrace":["s"]}`, nil, nil, 202, ""}
	callInit     = apiCall{"POST", "/runtime/init/error", `{"errorType":"I","errorMessage":"m"}`, nil, nil, 202, ""}
)

// but changes a call's expectation.
func (c apiCall) but(status int, errorType string) apiCall {
	c.status, c.errorType = status, errorType
	return c
}

func (c apiCall) with(body string, headers, trailer map[string]string) apiCall {
	c.body, c.headers, c.trailer = body, headers, trailer
	return c
}

var streamed = map[string]string{"Lambda-Runtime-Function-Response-Mode": "streaming"}

func TestRuntimeAPI(t *testing.T) {
	big := `"` + strings.Repeat("x", MaxPayload) + `"`
	tests := []struct {
		name    string
		calls   []apiCall
		want    string // the response
		wantErr string // the function's error
	}{
		{"response", []apiCall{callNext, callResponse}, `"done"`, ""},
		{"error", []apiCall{callNext, callError}, "", "E: m"},
		{"ping", []apiCall{{"GET", "/ping", "", nil, nil, 200, ""}, callNext, callResponse}, `"done"`, ""},
		{"no such path", []apiCall{{"GET", "/runtime/other", "", nil, nil, 404, ""}, callNext, callResponse}, `"done"`, ""},
		{"unknown id", []apiCall{callNext, {"POST", "/runtime/invocation/other/response", "1", nil, nil, 400, "InvalidRequestID"}, callResponse}, `"done"`, ""},
		{"before next", []apiCall{callResponse.but(400, "InvalidRequestID"), callNext, callResponse}, `"done"`, ""},
		{"twice", []apiCall{callNext, callResponse, callResponse.but(403, "InvalidStateTransition")}, `"done"`, ""},
		{"error after response", []apiCall{callNext, callResponse, callError.but(403, "InvalidStateTransition")}, `"done"`, ""},
		{"next before response", []apiCall{callNext, callNext.but(403, "InvalidStateTransition"), callResponse}, `"done"`, ""},
		{"init error too late", []apiCall{callNext, callInit.but(403, "InvalidStateTransition"), callResponse}, `"done"`, ""},
		{"too large", []apiCall{callNext, callResponse.with(big, nil, nil).but(413, "RequestEntityTooLarge")}, "",
			"Function.ResponseSizeTooLarge: Response payload size exceeded maximum allowed payload size (6291556 bytes)."},
		{"as large as may be", []apiCall{callNext, callResponse.with(big[:MaxPayload], nil, nil)}, big[:MaxPayload], ""},
		{"streamed", []apiCall{callNext, callResponse.with("in pieces", streamed, nil)}, "in pieces", ""},
		{"streamed and large", []apiCall{callNext, callResponse.with(big, streamed, nil)}, big, ""},
		{"streamed and broken", []apiCall{callNext, callResponse.with("in pi", streamed, map[string]string{
			"Lambda-Runtime-Function-Error-Type": "Broken",
			"Lambda-Runtime-Function-Error-Body": "eyJlcnJvck1lc3NhZ2UiOiJoYWxmLXdheSJ9",
		})}, "in pi", "Broken: half-way"},
		{"unknown mode", []apiCall{callNext, callResponse.with("x", map[string]string{"Lambda-Runtime-Function-Response-Mode": "odd"}, nil).
			but(400, "InvalidFunctionResponseMode")}, "", "Runtime.InvalidResponseModeHeader: unknown response mode odd"},
		{"error type in the header", []apiCall{callNext, callError.with("no JSON",
			map[string]string{"Lambda-Runtime-Function-Error-Type": "T"}, nil)}, "", "T: no JSON"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			api, inv, url := serveAPI(t)
			api.queue <- inv
			for _, c := range tt.calls {
				c.send(t, url, inv.id)
			}
			<-inv.done
			if got := string(inv.outcome.body); got != tt.want {
				t.Errorf("response: got %.80q, want %.80q", got, tt.want)
			}
			gotErr := ""
			if inv.outcome.err != nil {
				gotErr = inv.outcome.err.Error()
			}
			if gotErr != tt.wantErr {
				t.Errorf("error: got %q, want %q", gotErr, tt.wantErr)
			}
		})
	}
}

func serveAPI(t *testing.T) (*runtimeAPI, *pending, string) {
	t.Helper()
	api := newRuntimeAPI("arn:test")
	server := httptest.NewServer(api.server.Handler)
	t.Cleanup(server.Close)
	inv := newPending(Request{Payload: []byte(`{"a":1}`), ClientContext: `{"c":1}`, CognitoIdentity: `{"i":1}`, TraceID: "Root=1"})
	inv.deadline = time.UnixMilli(1234567)
	return api, inv, server.URL + apiBase
}

// send makes the call and compares the status and, of an error, its type.
func (c apiCall) send(t *testing.T, url, id string) http.Header {
	t.Helper()
	req, err := http.NewRequest(c.method, url+strings.ReplaceAll(c.path, "{id}", id), strings.NewReader(c.body))
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range c.headers {
		req.Header.Set(name, value)
	}
	if c.trailer != nil {
		req.ContentLength = -1
		req.Trailer = http.Header{}
		for name, value := range c.trailer {
			req.Trailer.Set(name, value)
		}
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatalf("%s %s: %v", c.method, c.path, err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	var answer struct{ ErrorType string }
	json.Unmarshal(body, &answer)
	if resp.StatusCode != c.status || c.status >= 400 && answer.ErrorType != c.errorType {
		t.Errorf("%s %s: got %d %s, want %d %s", c.method, c.path, resp.StatusCode, body, c.status, c.errorType)
	}
	return resp.Header
}

func TestNextHeaders(t *testing.T) {
	api, inv, url := serveAPI(t)
	api.queue <- inv
	header := callNext.send(t, url, "")
	want := map[string]string{
		"Lambda-Runtime-Aws-Request-Id":       inv.id,
		"Lambda-Runtime-Deadline-Ms":          strconv.Itoa(1234567),
		"Lambda-Runtime-Invoked-Function-Arn": "arn:test",
		"Lambda-Runtime-Trace-Id":             "Root=1",
		"Lambda-Runtime-Client-Context":       `{"c":1}`,
		"Lambda-Runtime-Cognito-Identity":     `{"i":1}`,
		"Content-Type":                        "application/json",
	}
	for name, value := range want {
		if got := header.Get(name); got != value {
			t.Errorf("%s: got %q, want %q", name, got, value)
		}
	}
}

func TestInitError(t *testing.T) {
	api, _, url := serveAPI(t)
	callInit.send(t, url, "")
	if got := (<-api.initErr).Error(); got != "I: m" {
		t.Errorf("got %q", got)
	}
}

// TestNextWaits asks before there is anything, gives up, and asks again: the invocation must not be lost.
func TestNextWaits(t *testing.T) {
	api, inv, url := serveAPI(t)
	client := &http.Client{Timeout: 30 * time.Millisecond}
	if resp, err := client.Get(url + "/runtime/invocation/next"); err == nil {
		resp.Body.Close()
		t.Fatal("an answer without an invocation")
	}
	<-api.idle
	api.queue <- inv
	callNext.send(t, url, "")
	callResponse.send(t, url, inv.id)
	<-inv.done
}

func TestRequestIDs(t *testing.T) {
	a, b := newRequestID(), newRequestID()
	if len(a) != 36 || a[14] != '4' || !strings.ContainsRune("89ab", rune(a[19])) || a == b {
		t.Errorf("%s and %s are no two UUIDs of version 4", a, b)
	}
	if id := newTraceID(); len(id) != len("Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=0") {
		t.Errorf("trace ID %q has an unusual length", id)
	}
}
