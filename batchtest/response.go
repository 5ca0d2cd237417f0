package batchtest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
)

// ErrVoid is wrapped by the error of an invocation whose response is invalid. The service treats
// such a response as a complete failure. The text of the error names the cause.
var ErrVoid = errors.New("invalid response")

// ErrTooLarge is the error of an invocation whose response is larger than 6 MB.
var ErrTooLarge = errors.New("the response is larger than 6 MB")

const maxPayload = 6 << 20

// response is the part of a function's response that the event source mapping reads.
type response struct {
	listed map[string]bool
	state  json.RawMessage // nil if it is absent or null
}

// identify turns an itemIdentifier into a record's ID.
type identify func(json.RawMessage) (id string, err error)

func readResponse(payload []byte, ids []string, id identify) (response, error) {
	if len(payload) > maxPayload {
		return response{}, ErrTooLarge
	}
	fields, err := readObject(payload)
	if err != nil {
		return response{}, err
	}
	var r response
	if state := fields["state"]; !isNull(state) {
		r.state = state
	}
	r.listed, err = readFailures(fields["batchItemFailures"], ids, id)
	return r, err
}

// readObject keeps the case of the keys. Decoding into a struct would ignore it.
func readObject(payload []byte) (map[string]json.RawMessage, error) {
	payload = bytes.TrimSpace(payload)
	if len(payload) == 0 {
		return nil, nil
	}
	if !json.Valid(payload) {
		return nil, fmt.Errorf("%w: it is not JSON", ErrVoid)
	}
	if isNull(payload) || isEmpty(payload) {
		return nil, nil
	}
	var fields map[string]json.RawMessage
	if json.Unmarshal(payload, &fields) != nil {
		return nil, fmt.Errorf("%w: it is not an object", ErrVoid)
	}
	return fields, nil
}

func readFailures(list json.RawMessage, ids []string, id identify) (map[string]bool, error) {
	if isNull(list) {
		return nil, nil
	}
	var failures []json.RawMessage
	if json.Unmarshal(list, &failures) != nil {
		return nil, fmt.Errorf("%w: batchItemFailures is not a list", ErrVoid)
	}
	known := setOf(ids)
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
		return "", errors.New("itemIdentifier is not a string")
	}
	if id == "" {
		return "", errors.New("itemIdentifier is empty")
	}
	return id, nil
}

func isNull(raw json.RawMessage) bool {
	return len(raw) == 0 || bytes.Equal(bytes.TrimSpace(raw), []byte("null"))
}

// isEmpty reports whether raw is an empty string or list. It must be valid JSON.
func isEmpty(raw []byte) bool {
	return bytes.Equal(raw, []byte(`""`)) || raw[0] == '[' && len(bytes.TrimSpace(raw[1:len(raw)-1])) == 0
}
