// Package mapping does the work of Lambda's event source mappings: it reads records from
// a real server and invokes the function with them. The response says which records are
// finished and which are redelivered.
package mapping

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/lambdabatch/batch/e2e/sandbox"
	"github.com/samber/lo"
)

// An Invoke runs the function once, such as [sandbox.Sandbox.Invoke].
type Invoke func(payload []byte, timeout time.Duration) (sandbox.Outcome, error)

// reportedIn returns the positions in ids that the outcome reports, in order. If void is
// true, these are all positions, whatever the response lists: the invocation failed, or
// the response has an identifier that is empty, null or not in the batch.
func reportedIn(out sandbox.Outcome, ids []string) (positions []int, void bool) {
	all := lo.Range(len(ids))
	if out.End != sandbox.Responded {
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

// identifiers reads a response. One that is not an object, or has no list, reports
// nothing.
func identifiers(body []byte) ([]string, error) {
	var response any
	if err := json.Unmarshal(body, &response); err != nil {
		return nil, err
	}
	object, _ := response.(map[string]any)
	list, _ := object["batchItemFailures"].([]any)
	ids := make([]string, len(list))
	for i, item := range list {
		entry, _ := item.(map[string]any)
		ids[i] = identifier(entry["itemIdentifier"])
	}
	return ids, nil
}

// identifier returns an identifier as a string. Kafka's object becomes
// topic-partition/offset, and a value that identifies nothing becomes "".
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
