// Command bootstrap is a small function in Go, for the tests and the documentation: a provided runtime whose program
// brings AWS's client with it.
package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"
)

type event struct {
	Name  string `json:"name"`
	Fail  bool   `json:"fail"`
	Exit  int    `json:"exit"`
	Sleep int    `json:"ms"`
}

type answer struct {
	Greeting string `json:"greeting"`
	Count    int    `json:"count"`
	ARN      string `json:"arn"`
}

var count int

func handle(ctx context.Context, e event) (answer, error) {
	count++
	fmt.Fprintln(os.Stderr, "greeting", e.Name)
	time.Sleep(time.Duration(e.Sleep) * time.Millisecond)
	if e.Exit != 0 {
		os.Exit(e.Exit)
	}
	if e.Fail {
		return answer{}, fmt.Errorf("a failing handler")
	}
	lc, _ := lambdacontext.FromContext(ctx)
	return answer{"Hello, " + e.Name, count, lc.InvokedFunctionArn}, nil
}

func main() { lambda.Start(handle) }
