package batchtest

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/aws/aws-lambda-go/events"
)

// firehoseAnswer is what an answer says of one record.
type firehoseAnswer struct {
	id, result string
	data       []byte
	keys       map[string]string
}

// readFirehose reads an answer by Firehose's rules. One that breaks any voids the
// whole batch.
func readFirehose(response []byte, ids []string) ([]firehoseAnswer, error) {
	if len(response) > maxPayload {
		return nil, ErrTooLarge
	}
	fields, err := readObject(response)
	if err != nil {
		return nil, err
	}
	var records []json.RawMessage
	if isNull(fields["records"]) || json.Unmarshal(fields["records"], &records) != nil {
		return nil, fmt.Errorf("%w: it has no list of records", ErrVoid)
	}
	open := setOf(ids)
	answers := make([]firehoseAnswer, len(records))
	for i, record := range records {
		a, err := readFirehoseRecord(record)
		if err != nil {
			return nil, fmt.Errorf("%w: record %d: %w", ErrVoid, i, err)
		}
		switch unanswered, known := open[a.id]; {
		case !known:
			return nil, fmt.Errorf("%w: record %d: %q is not in the batch", ErrVoid, i, a.id)
		case !unanswered:
			return nil, fmt.Errorf("%w: record %d: %q is answered twice", ErrVoid, i, a.id)
		}
		open[a.id] = false
		answers[i] = a
	}
	for _, id := range ids {
		if open[id] {
			return nil, fmt.Errorf("%w: %q is not answered", ErrVoid, id)
		}
	}
	return answers, nil
}

func readFirehoseRecord(raw json.RawMessage) (a firehoseAnswer, err error) {
	var fields, metadata map[string]json.RawMessage
	if json.Unmarshal(raw, &fields) != nil {
		return a, errors.New("it is no object")
	}
	if isNull(fields["recordId"]) || json.Unmarshal(fields["recordId"], &a.id) != nil {
		return a, errors.New("it has no recordId")
	}
	_ = json.Unmarshal(fields["result"], &a.result)
	switch a.result {
	case events.KinesisFirehoseTransformedStateOk,
		events.KinesisFirehoseTransformedStateDropped,
		events.KinesisFirehoseTransformedStateProcessingFailed:
	default:
		return a, fmt.Errorf("result %s is not Ok, Dropped or ProcessingFailed", orNone(fields["result"]))
	}
	var data string
	if isNull(fields["data"]) || json.Unmarshal(fields["data"], &data) != nil {
		return a, errors.New("it has no data")
	}
	if a.data, err = base64.StdEncoding.DecodeString(data); err != nil {
		return a, errors.New("data is no base64")
	}
	if isNull(fields["metadata"]) {
		return a, nil
	}
	if json.Unmarshal(fields["metadata"], &metadata) != nil {
		return a, errors.New("metadata is no object")
	}
	if keys := metadata["partitionKeys"]; !isNull(keys) && json.Unmarshal(keys, &a.keys) != nil {
		return a, errors.New("metadata.partitionKeys are no texts")
	}
	return a, nil
}

func orNone(raw json.RawMessage) string {
	if len(raw) == 0 {
		return "(none)"
	}
	return string(raw)
}
