package batch_test

import (
	"context"
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
