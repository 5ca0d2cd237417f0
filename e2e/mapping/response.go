// Package mapping does what Lambda's event source mappings do: it reads records
// from a real server, invokes the function with them, and takes from the answer
// which are finished and which are redelivered.
package mapping

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/lambdabatch/batch/e2e/sandbox"
)

// Invoke runs the function once; [sandbox.Sandbox.Invoke] is one.
type Invoke func(payload []byte, timeout time.Duration) (sandbox.Outcome, error)

// failed returns the positions in ids that the outcome reports, in order. Void
// means all of them, whatever was listed: the invocation failed, or its answer
// has an identifier that is empty, null or not in the batch.
func failed(out sandbox.Outcome, ids []string) (positions []int, void bool) {
	all := make([]int, len(ids))
	for i := range all {
		all[i] = i
	}
	if out.End != sandbox.Answered {
		return all, true
	}
	reported, err := identifiers(out.Body)
	if err != nil {
		return all, true
	}
	for _, id := range reported {
		if !slices.Contains(ids, id) {
			return all, true
		}
	}
	return slices.DeleteFunc(all, func(i int) bool { return !slices.Contains(reported, ids[i]) }), false
}

// identifiers reads an answer. One that is no object, or has no list, reports nothing.
func identifiers(body []byte) ([]string, error) {
	var answer any
	if err := json.Unmarshal(body, &answer); err != nil {
		return nil, err
	}
	object, _ := answer.(map[string]any)
	list, _ := object["batchItemFailures"].([]any)
	ids := make([]string, len(list))
	for i, item := range list {
		entry, _ := item.(map[string]any)
		ids[i] = identifier(entry["itemIdentifier"])
	}
	return ids, nil
}

// identifier gives Kafka's object the form topic-partition/offset. Anything
// that identifies nothing is empty.
func identifier(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case map[string]any:
		partition, ok := v["partition"].(string)
		offset, number := v["offset"].(float64)
		if ok && number {
			return fmt.Sprintf("%s/%.0f", partition, offset)
		}
	}
	return ""
}
