package main

import (
	"context"
	"encoding/json"
	"runtime"

	"github.com/aws/aws-lambda-go/lambda"
)

// observable responds to the payload "observe" with the goroutines and the heap of the process.
type observable struct{ lambda.Handler }

func (h observable) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	if string(payload) != `"observe"` {
		return h.Handler.Invoke(ctx, payload)
	}
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return json.Marshal(map[string]any{"Goroutines": runtime.NumGoroutine(), "Heap": m.HeapAlloc})
}
