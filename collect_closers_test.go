package batch_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lambdabatch/batch"
	"github.com/matryer/is"
)

// Every closing function hangs. There are 9 seconds for them: 6 until the contexts of the records end, and
// three quarters of the reserve of 4.
func TestMoreAndMoreClosingFunctionsAreCalledWhileTheyHang(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		const records, eighth = 1000, 9 * time.Second / 8
		ctx, reserve := deadline(t)
		start, free := time.Now(), make(chan struct{})
		defer close(free)
		var closed effects
		hang := batch.WithScope(func(ctx context.Context, r batch.Record) (context.Context, func(batch.Outcome)) {
			return ctx, func(batch.Outcome) {
				closed.note(r.ID)
				<-free
			}
		})
		go func() {
			time.Sleep(time.Millisecond)
			for _, most := range []int{1, 2, 4, 8, 16, 32, 64, records} {
				synctest.Wait()
				is.Equal(len(closed.noted()), most)
				time.Sleep(eighth - 2*time.Millisecond)
				is.Equal(len(closed.noted()), most)
				time.Sleep(2 * time.Millisecond)
			}
		}()
		_, err := batch.Run(grouped(ctx, make([]string, records), reserve, hang), batch.Each(failingOn()))
		is.NoErr(err)
		is.Equal(time.Since(start), 8*eighth)
		is.Equal(len(closed.noted()), records)
		time.Sleep(eighth)
	})
}

// In the first range the record arrives after two seconds, in a second one, inside it, after one.
func TestARecordHasFinishedWhenItHasArrivedInEveryRange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		start := time.Now()
		outcomes := outcomesByID{}
		_, err := batch.Run(grouped(t.Context(), []string{""}, outcomes.scope()), func(s texts) texts {
			s = batch.TryEach(s, succeed)
			return func(yield func(batch.Result[string]) bool) {
				for r := range s {
					time.Sleep(time.Second)
					s(yield)
					time.Sleep(time.Second)
					yield(r)
				}
			}
		})
		is.NoErr(err)
		is.Equal(outcomes["r0"].Finished.Sub(start), 2*time.Second)
	})
}

// In the first range the record arrives. The stage then keeps what a second one gives until it is too late.
func TestARecordThatIsKeptInTheLastRangeHasNotFinished(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		ctx, reserve := deadline(t)
		free := make(chan struct{})
		defer close(free)
		outcomes := outcomesByID{}
		_, _ = batch.Run(grouped(ctx, []string{""}, reserve, outcomes.scope()), func(s texts) texts {
			s = batch.TryEach(s, succeed)
			return func(yield func(batch.Result[string]) bool) {
				s(yield)
				for range s {
				}
				<-free
			}
		})
		is.True(errors.Is(outcomes["r0"].Err, batch.ErrUnreached))
		is.True(outcomes["r0"].Finished.IsZero())
	})
}
