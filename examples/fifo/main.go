// Fifo is a Lambda function that books the messages of a FIFO queue to accounts:
// several accounts at once, and the bookings of each in their order.
//
// In Lambda it serves the queue. Anywhere else it processes one event, the one in
// the file named on the command line or the one built in, and prints the response
// on the standard output and the log on the standard error:
//
//	go run ./examples/fifo [event.json]
package main

import (
	_ "embed"
	"fmt"
	"log/slog"
	"os"
	"strconv"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"

	"github.com/lambdabatch/batch/examples/internal/local"
)

//go:embed event.json
var builtIn []byte

// localMaxReceives is the maxReceiveCount of the queue that event.json came from.
const localMaxReceives = 5

func main() {
	if os.Getenv("AWS_LAMBDA_RUNTIME_API") == "" {
		os.Exit(local.Tell(new(Ledger).handler(localMaxReceives), builtIn, os.Args, os.Stdout, os.Stderr))
	}
	slog.SetDefault(lambdacontext.NewLogger())
	maxReceives, err := readMaxReceives()
	if err != nil {
		slog.Error(err.Error())
		os.Exit(1)
	}
	lambda.Start(new(Ledger).handler(maxReceives))
}

// readMaxReceives reads what template.yaml gives to the queue and to the function
// from one parameter. There is no default: one that is not the queue's would break
// the order or dead-letter bookings that were never tried.
func readMaxReceives() (int, error) {
	n, err := strconv.Atoi(os.Getenv("MAX_RECEIVES"))
	if err != nil || n < 1 {
		return 0, fmt.Errorf("MAX_RECEIVES: %q is not the maxReceiveCount of a queue", os.Getenv("MAX_RECEIVES"))
	}
	return n, nil
}
