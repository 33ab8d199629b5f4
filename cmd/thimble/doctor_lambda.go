package main

import (
	"context"
	"os"
	"path/filepath"

	"github.com/aws/aws-lambda-go/lambda"

	"thimble/internal/doctor"
)

// init turns this executable into the doctor's handler when a Lambda runtime starts it: `thimble doctor package` puts it
// into a ZIP under the one name that provided.* runtimes look for. Nothing else calls it so.
func init() {
	if startedAsHandler(os.Args[0], os.Getenv("AWS_LAMBDA_RUNTIME_API")) {
		lambda.Start(handleDoctor) // does not return
	}
}

func startedAsHandler(arg0, runtimeAPI string) bool {
	return filepath.Base(arg0) == "bootstrap" && runtimeAPI != ""
}

// handleDoctor answers every invocation, whatever its event, with the doctor's report.
func handleDoctor(ctx context.Context) (doctor.Report, error) {
	return examine(ctx, nil)
}
