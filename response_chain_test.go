package batch_test

import (
	"strconv"
	"testing"

	"github.com/lambdabatch/batch"
	"github.com/matryer/is"
)

// Record 0 fails. Records 2k and 2k+1 are of one group, and records 2k+1 and 2k+2 have the same identifier. The last record has
// nothing to do with the others.
func TestAChainOfSharedIdentifiersReportsWhatItLinksAndALongOneTheWholeBatch(t *testing.T) {
	for links, alone := range map[int]string{14: "acknowledged", 15: "acknowledged", 16: "reported", 200: "reported"} {
		t.Run(strconv.Itoa(links), func(t *testing.T) {
			is := is.New(t)
			records := 2*links + 2
			s := batch.From(t.Context(), numerals(0, records), func(v string) batch.Record {
				i := indexOf(v)
				if i == records-1 {
					return batch.Record{ID: "alone"}
				}
				return batch.Record{ID: strconv.Itoa((i + 1) / 2), Group: strconv.Itoa(i / 2)}
			}, quiet, batch.WithPolicy(batch.StopGroup))
			values, failures := batch.Partition(batch.TryEach(s, failingOn("0")))
			if alone == "acknowledged" {
				is.Equal(values, []string{strconv.Itoa(records - 1)})
			} else {
				is.Equal(len(values), 0)
			}
			is.Equal(len(failures), records-len(values))
		})
	}
}
