package batchtest

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/aws/aws-lambda-go/events"
	"github.com/samber/lo"
)

// transformed is one record of a response to Firehose.
type transformed struct {
	id, result string
	data       []byte
	keys       map[string]string
}

// readFirehoseResponse applies Firehose's rules. A response that breaks one of them is invalid for
// the whole batch.
func readFirehoseResponse(payload []byte, ids []string) ([]transformed, error) {
	if len(payload) > maxPayload {
		return nil, ErrTooLarge
	}
	fields, err := readObject(payload)
	if err != nil {
		return nil, err
	}
	var raw []json.RawMessage
	if isNull(fields["records"]) || json.Unmarshal(fields["records"], &raw) != nil {
		return nil, fmt.Errorf("%w: it has no list of records", ErrVoid)
	}
	missing := setOf(ids)
	records := make([]transformed, len(raw))
	for i := range raw {
		r, err := readTransformed(raw[i])
		if err != nil {
			return nil, fmt.Errorf("%w: record %d: %w", ErrVoid, i, err)
		}
		switch first, known := missing[r.id]; {
		case !known:
			return nil, fmt.Errorf("%w: record %d: %q is not in the batch", ErrVoid, i, r.id)
		case !first:
			return nil, fmt.Errorf("%w: record %d: %q appears twice", ErrVoid, i, r.id)
		}
		missing[r.id] = false
		records[i] = r
	}
	if id, ok := lo.Find(ids, func(id string) bool { return missing[id] }); ok {
		return nil, fmt.Errorf("%w: %q is missing", ErrVoid, id)
	}
	return records, nil
}

func readTransformed(raw json.RawMessage) (r transformed, err error) {
	var fields, metadata map[string]json.RawMessage
	if json.Unmarshal(raw, &fields) != nil {
		return r, errors.New("it is not an object")
	}
	if isNull(fields["recordId"]) || json.Unmarshal(fields["recordId"], &r.id) != nil {
		return r, errors.New("it has no recordId")
	}
	_ = json.Unmarshal(fields["result"], &r.result)
	switch r.result {
	case events.KinesisFirehoseTransformedStateOk,
		events.KinesisFirehoseTransformedStateDropped,
		events.KinesisFirehoseTransformedStateProcessingFailed:
	default:
		return r, fmt.Errorf("result %s is not Ok, Dropped or ProcessingFailed", orNone(fields["result"]))
	}
	var data string
	if isNull(fields["data"]) || json.Unmarshal(fields["data"], &data) != nil {
		return r, errors.New("it has no data")
	}
	if r.data, err = base64.StdEncoding.DecodeString(data); err != nil {
		return r, errors.New("data is not base64")
	}
	if isNull(fields["metadata"]) {
		return r, nil
	}
	if json.Unmarshal(fields["metadata"], &metadata) != nil {
		return r, errors.New("metadata is not an object")
	}
	if keys := metadata["partitionKeys"]; !isNull(keys) && json.Unmarshal(keys, &r.keys) != nil {
		return r, errors.New("metadata.partitionKeys is not an object of strings")
	}
	return r, nil
}

func orNone(raw json.RawMessage) string {
	if len(raw) == 0 {
		return "(none)"
	}
	return string(raw)
}
