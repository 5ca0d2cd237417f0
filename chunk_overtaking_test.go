package batch_test

// Several chunks one after the other. Time runs short while each holds results that have overtaken the one before it.

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lambdabatch/batch"
	"github.com/matryer/is"
)

func TestAChunkWhoseFirstResultOvertakesTheChunkBeforeItIsWrittenInTime(t *testing.T) {
	for _, records := range []int{3, 10} {
		synctest.Test(t, func(t *testing.T) {
			is := is.New(t)
			ctx, reserve := deadline(t)
			var first, second effects
			stuck := stuckOn(t, "1")
			response, err := batch.Run(grouped(ctx, groupsInTurn(records, records), reserve, batch.WithPolicy(batch.Continue)), func(s texts) texts {
				s = inLanes(s, records, func(ctx context.Context, v string) error {
					if v == "0" {
						return errBoom // passes the first chunk, which is still empty
					}
					time.Sleep(time.Second)
					return stuck(ctx, v)
				})
				s = batch.TryEachChunk(s, 100, func(_ context.Context, vs []string) error { first.note(vs...); return nil })
				s = batch.OrElse(s, func(context.Context, error) (string, error) { return "0", nil })
				return batch.TryEachChunk(s, 100, func(_ context.Context, vs []string) error { second.note(vs...); return nil })
			})
			is.NoErr(err)
			is.Equal(listed(response), []string{"r1"})
			is.Equal(first.sorted(), numerals(2, records))
			is.Equal(second.sorted(), append([]string{"0"}, numerals(2, records)...))
		})
	}
}

// An overtaker fails in the lanes, and so overtakes the chunk before which it is not settled.
type overtaker struct{ error }

// overtaking fails for this value.
func overtaking(value string) error { return &overtaker{fmt.Errorf("%s overtakes", value)} }

// settle replaces the failures of overtaking for this value.
func settle(s texts, value string) texts {
	return batch.OrElse(s, func(_ context.Context, err error) (string, error) {
		var o *overtaker
		if errors.As(err, &o) && o.Error() == value+" overtakes" {
			return value, nil
		}
		return "", err
	})
}

// Record 0 overtakes two chunks and record 1 one, and record 2 goes through all. At 2s time runs short, and the last chunk
// is asked first. Record 3 hangs.
func TestAChunkIsWrittenInTimeAgainIfOneThatWasAskedLaterFillsIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		ctx, reserve := deadline(t)
		var written effects
		chunk := func(s texts, size int, name string) texts {
			return batch.TryEachChunk(s, size, func(_ context.Context, vs []string) error {
				for _, v := range vs {
					written.note(name + v)
				}
				return nil
			})
		}
		stuck := stuckOn(t, "3")
		response, err := batch.Run(grouped(ctx, groupsInTurn(4, 4), reserve, batch.WithPolicy(batch.Continue)), func(s texts) texts {
			s = inLanes(s, 4, func(ctx context.Context, v string) error {
				if v < "2" {
					time.Sleep(time.Duration(indexOf(v)) * 100 * time.Millisecond)
					return overtaking(v)
				}
				time.Sleep(time.Second)
				return stuck(ctx, v)
			})
			s = settle(chunk(s, 1, "a"), "1")
			s = settle(chunk(s, 10, "b"), "0")
			return chunk(s, 10, "c")
		})
		is.NoErr(err)
		is.Equal(listed(response), []string{"r3"})
		is.Equal(written.all, []string{"a2", "c0", "b1", "b2", "c1", "c2"})
	})
}
