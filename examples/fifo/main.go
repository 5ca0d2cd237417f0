// Fifo is example 3: order. Bookings of a FIFO queue are booked to accounts, several accounts at a time
// and the bookings of each account in order. A failed booking holds back the later ones of its account,
// and no other account. A booking that has failed on its last receive holds back none.
//
//	go run ./examples/fifo [event.json]
//
// In Lambda it serves the queue. Anywhere else it processes the event in the file, or a built-in one,
// and prints the response on stdout and what became of each message on stderr.
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

// localMaxReceives is the maxReceiveCount of the queue in event.json. The broken booking b-5 has been
// received five times.
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

// readMaxReceives reads the maxReceiveCount of the queue, which template.yaml passes to the queue and to the
// function. There is no default: a wrong count would break the order, or move bookings to the dead-letter
// queue that were never tried.
func readMaxReceives() (int, error) {
	n, err := strconv.Atoi(os.Getenv("MAX_RECEIVES"))
	if err != nil || n < 1 {
		return 0, fmt.Errorf("MAX_RECEIVES: %q is not the maxReceiveCount of a queue", os.Getenv("MAX_RECEIVES"))
	}
	return n, nil
}
