package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/lambdabatch/batch"
)

// A Reading is the data of a record, whose partition key is the sensor.
type Reading struct {
	Sensor  string    `json:"sensor"`
	At      time.Time `json:"at"`
	Celsius float64   `json:"celsius"`
}

var (
	errImpossible   = errors.New("colder than absolute zero")
	errUnregistered = errors.New("sensor not registered")
)

func check(_ context.Context, r Reading) error {
	if r.Celsius < -273.15 {
		return errImpossible
	}
	return nil
}

// A Letter is a poison record, with the reason.
type Letter struct {
	Data   string
	Reason string
}

// A Key is the key of a reading: written twice, a reading is still one.
type Key struct {
	Sensor string
	At     time.Time
}

// A Store stands in for a database with a table of readings and a table of dead letters.
type Store struct {
	mu       sync.Mutex
	sensors  map[string]bool
	readings map[Key]float64
	letters  map[string]Letter // by sequence number
}

func newStore(sensors ...string) *Store {
	s := &Store{sensors: make(map[string]bool), readings: make(map[Key]float64), letters: make(map[string]Letter)}
	for _, sensor := range sensors {
		s.sensors[sensor] = true
	}
	return s
}

// write stands for BatchWriteItem, which may refuse some items and write the rest. Readings of a sensor that
// is not registered yet are refused; they are redelivered and may succeed then.
func (s *Store) write(ctx context.Context, readings []Reading) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	refused := batch.ItemErrors{}
	for i, r := range readings {
		if !s.sensors[r.Sensor] {
			refused[i] = fmt.Errorf("%s: %w", r.Sensor, errUnregistered)
			continue
		}
		s.readings[Key{r.Sensor, r.At}] = r.Celsius
	}
	slog.InfoContext(ctx, "bulk write", "readings", len(readings), "refused", len(refused))
	return refused.Err()
}

// divert writes a poison record to the table of dead letters, and acknowledges it. A record whose data could
// not be read stays failed, and is left to the on-failure destination.
func (s *Store) divert(ctx context.Context, reason error) error {
	record, ok := batch.SourceFrom[events.KinesisEventRecord](ctx)
	if !ok {
		return reason
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.letters[record.Kinesis.SequenceNumber] = Letter{string(record.Kinesis.Data), reason.Error()}
	slog.InfoContext(ctx, "written to the dead letters", "reason", reason)
	return nil
}

const (
	lanes     = 4
	chunkSize = 25 // the most that BatchWriteItem takes; with a small batch one lane collects them all
)

func (s *Store) process(records batch.Stream[events.KinesisEventRecord]) batch.Stream[Reading] {
	readings := batch.Decode[Reading](records, json.Unmarshal)
	possible := batch.TryEach(readings, check)
	// Records that failed up to here will always fail. They would block the shard until the retries end.
	valid := batch.Catch(possible, s.divert)
	// Records that fail here may succeed next time. If one never does, the mapping isolates it by halving
	// the batch. Later readings of the same bulk write are stored already. They are redelivered all the same,
	// and stored again under the same Key.
	return batch.TryEachChunk(valid, chunkSize, s.write)
}

func (s *Store) handler() *batch.Handler {
	return batch.KinesisHandler(func(records batch.Stream[events.KinesisEventRecord]) batch.Stream[Reading] {
		return batch.Parallel(records, lanes, s.process)
	})
}
