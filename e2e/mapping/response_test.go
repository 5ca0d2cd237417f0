package mapping

import (
	"testing"

	"github.com/lambdabatch/batch/e2e/sandbox"
	"github.com/matryer/is"
)

func TestAResponseIsReadAsTheServiceReadsIt(t *testing.T) {
	ids := []string{"a", "b", "t-0/7"}
	none, all := []int{}, []int{0, 1, 2}
	cases := []struct {
		body string
		want []int
		void bool
	}{
		{`{"batchItemFailures":[{"itemIdentifier":"b"}]}`, []int{1}, false},
		{`{"batchItemFailures":[{"itemIdentifier":"b"},{"itemIdentifier":"a"}]}`, []int{0, 1}, false},
		{`{"batchItemFailures":[{"itemIdentifier":{"partition":"t-0","offset":7}}]}`, []int{2}, false},
		{`{"batchItemFailures":[]}`, none, false},
		{`{"batchItemFailures":null}`, none, false},
		{`{"BatchItemFailures":[{"itemIdentifier":"b"}]}`, none, false},
		{`{}`, none, false},
		{`null`, none, false},
		{`""`, none, false},
		{`[]`, none, false},
		{`{"batchItemFailures":[{"itemIdentifier":"b"},{"itemIdentifier":"x"}]}`, all, true},
		{`{"batchItemFailures":[{"itemIdentifier":""}]}`, all, true},
		{`{"batchItemFailures":[{"itemIdentifier":null}]}`, all, true},
		{`{"batchItemFailures":[{"ItemIdentifier":"b"}]}`, all, true},
		{`{"batchItemFailures":[{"itemIdentifier":{"partition":"t-0"}}]}`, all, true},
		{`not JSON`, all, true},
	}
	for _, c := range cases {
		t.Run(c.body, func(t *testing.T) {
			is := is.New(t)
			got, void := reportedIn(sandbox.Outcome{End: sandbox.Responded, Body: []byte(c.body)}, ids)
			is.Equal(got, c.want)
			is.Equal(void, c.void)
		})
	}
}

func TestAnInvocationWithoutAResponseFailsTheWholeBatch(t *testing.T) {
	for _, end := range []sandbox.End{sandbox.Failed, sandbox.TimedOut, sandbox.Exited} {
		t.Run(end.String(), func(t *testing.T) {
			is := is.New(t)
			got, void := reportedIn(sandbox.Outcome{End: end, Body: []byte(`{"batchItemFailures":[]}`)}, []string{"a", "b"})
			is.Equal(got, []int{0, 1})
			is.True(void)
		})
	}
}
