package main

// The floor: the work that no library can avoid. It reads the payload with the library's
// reader, decodes the bodies one after another on the caller's goroutine, and encodes the
// response. It keeps no deadline, recovers no panic and logs nothing.

import (
	"context"

	"github.com/aws/aws-lambda-go/events"

	"github.com/lambdabatch/batch"
	"github.com/lambdabatch/batch/internal/wire"
)

type floorSQS struct{}

func (floorSQS) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	read, err := wire.SQS(payload)
	if err != nil {
		return nil, err
	}
	var response batch.Response
	for i := range read.Records {
		if err := acceptBody(ctx, &read.Records[i]); err != nil {
			response.BatchItemFailures = append(response.BatchItemFailures, batch.ItemFailure{ItemIdentifier: read.Records[i].MessageId})
		}
	}
	return response.MarshalJSON()
}

func acceptBody(ctx context.Context, m *events.SQSMessage) error {
	var o order
	if err := jsonV2([]byte(m.Body), &o); err != nil {
		return err
	}
	return accept(ctx, o)
}
