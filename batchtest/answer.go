package batchtest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
)

// ErrVoid is wrapped by the error of an invocation whose answer voids itself,
// so that the service takes it for a complete failure. The error's text names
// the cause.
var ErrVoid = errors.New("the answer voids itself")

// ErrTooLarge is the error of an invocation whose answer is over 6 MB.
var ErrTooLarge = errors.New("the answer is over 6 MB")

const maxPayload = 6 << 20

// answer is a response as far as the mapping reads it.
type answer struct {
	listed map[string]bool
	state  json.RawMessage // nil if there is none, or it is null
}

// identify turns an itemIdentifier into a record's ID.
type identify func(json.RawMessage) (id string, err error)

func readAnswer(response []byte, ids []string, id identify) (answer, error) {
	if len(response) > maxPayload {
		return answer{}, ErrTooLarge
	}
	fields, err := readObject(response)
	if err != nil {
		return answer{}, err
	}
	var a answer
	if state := fields["state"]; !isNull(state) {
		a.state = state
	}
	a.listed, err = readFailures(fields["batchItemFailures"], ids, id)
	return a, err
}

// readObject reads the keys as they are spelled, which decoding into a struct
// would not.
func readObject(response []byte) (map[string]json.RawMessage, error) {
	response = bytes.TrimSpace(response)
	if len(response) == 0 {
		return nil, nil
	}
	if !json.Valid(response) {
		return nil, fmt.Errorf("%w: it is no JSON", ErrVoid)
	}
	if isNull(response) || isEmpty(response) {
		return nil, nil
	}
	var fields map[string]json.RawMessage
	if json.Unmarshal(response, &fields) != nil {
		return nil, fmt.Errorf("%w: it is no object", ErrVoid)
	}
	return fields, nil
}

func readFailures(list json.RawMessage, ids []string, id identify) (map[string]bool, error) {
	if isNull(list) {
		return nil, nil
	}
	var failures []json.RawMessage
	if json.Unmarshal(list, &failures) != nil {
		return nil, fmt.Errorf("%w: batchItemFailures is no list", ErrVoid)
	}
	known := make(map[string]bool, len(ids))
	for _, id := range ids {
		known[id] = true
	}
	listed := make(map[string]bool, len(failures))
	for i, failure := range failures {
		var fields map[string]json.RawMessage
		if json.Unmarshal(failure, &fields) != nil || isNull(fields["itemIdentifier"]) {
			return nil, fmt.Errorf("%w: entry %d has no itemIdentifier", ErrVoid, i)
		}
		name, err := id(fields["itemIdentifier"])
		if err != nil {
			return nil, fmt.Errorf("%w: entry %d: %w", ErrVoid, i, err)
		}
		if !known[name] {
			return nil, fmt.Errorf("%w: entry %d: %q is not in the batch", ErrVoid, i, name)
		}
		listed[name] = true
	}
	return listed, nil
}

func textIdentifier(raw json.RawMessage) (string, error) {
	var id string
	if json.Unmarshal(raw, &id) != nil {
		return "", errors.New("itemIdentifier is no text")
	}
	if id == "" {
		return "", errors.New("itemIdentifier is empty")
	}
	return id, nil
}

func isNull(raw json.RawMessage) bool {
	return len(raw) == 0 || bytes.Equal(bytes.TrimSpace(raw), []byte("null"))
}

// isEmpty tells whether raw, which is valid JSON, is an empty text or list.
func isEmpty(raw []byte) bool {
	return bytes.Equal(raw, []byte(`""`)) || raw[0] == '[' && len(bytes.TrimSpace(raw[1:len(raw)-1])) == 0
}
