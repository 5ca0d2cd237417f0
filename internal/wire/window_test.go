package wire

import (
	"testing"
	"time"

	"github.com/matryer/is"
)

const windowHead = `{"window":{"start":"2020-07-30T17:00:00Z"},`

func TestAnEventIsOneOfATumblingWindowIfItHasAWindow(t *testing.T) {
	for members, want := range map[string]bool{
		`"window":{}`:               true,
		`"WINDOW": {"start":7}`:     true,
		`"window":{},"window":null`: true,
		`"window":null,"window":{}`: true,
		`"window":{},"x":{}`:        true,
		`"window":null`:             false,
		`"window":[]`:               false,
		`"window":"{}"`:             false,
		`"x":{},"windows":{}`:       false,
		`"state":{},"shardId":"s"`:  false,
	} {
		is := is.New(t)
		k, err := Kinesis([]byte(`{` + members + `,"Records":[{}]}`))
		is.NoErr(err)
		is.Equal(k.Windowed, want)
		d, err := DynamoDB([]byte(`{"Records":[{}],` + members + `}`))
		is.NoErr(err)
		is.Equal(d.Windowed, want)
	}
}

func TestTheMembersOfAWindowAreRead(t *testing.T) {
	is := is.New(t)
	b, w, err := KinesisWindow([]byte(`{"window": {"start": "2020-07-30T17:00:00.5Z", "end":"2020-07-30T19:05:00+02:00"},
		"state": [ 1 ] , "shardId":"shard", "eventSourceARN" : "arn", "isFinalInvokeForWindow": false,
		"isWindowTerminatedEarly":true, "Records":[{}]}`))
	is.NoErr(err)
	is.True(b.Windowed)
	is.Equal(len(b.Records), 1)
	is.True(w.Start.Equal(time.Date(2020, 7, 30, 17, 0, 0, 5e8, time.UTC)))
	is.True(w.End.Equal(time.Date(2020, 7, 30, 17, 5, 0, 0, time.UTC)))
	is.Equal(string(w.State), `[ 1 ]`)
	is.Equal(w.ShardID, "shard")
	is.Equal(w.EventSourceARN, "arn")
	is.True(!w.Final)
	is.True(w.Terminated)
}

func TestTheLastOfTwoEqualMembersOfAWindowCountsAndNullChangesNothingButTheState(t *testing.T) {
	is := is.New(t)
	_, _, err := DynamoDBWindow([]byte(`{"window":{},"window":null}`))
	is.NoErr(err)
	_, w, err := DynamoDBWindow([]byte(windowHead + `"window":null,"window":{"end":"2020-07-30T17:05:00Z"},
		"state":1,"state":null,"shardId":"a","shardId":null,"isFinalInvokeForWindow":true,"isFinalInvokeForWindow":null,
		"isWindowTerminatedEarly":true,"isWindowTerminatedEarly":false}`))
	is.NoErr(err)
	is.True(w.Start.Equal(time.Date(2020, 7, 30, 17, 0, 0, 0, time.UTC)))
	is.True(w.End.Equal(time.Date(2020, 7, 30, 17, 5, 0, 0, time.UTC)))
	is.True(w.State == nil)
	is.Equal(w.ShardID, "a")
	is.True(w.Final)
	is.True(!w.Terminated)
}

func TestAnEventWithABadMemberOfItsWindowIsRefusedAndTheMemberNamed(t *testing.T) {
	for members, want := range map[string]string{
		`"window":[]`:                                     `a bad "window": want an object, got an array`,
		`"Window":{"start":7}`:                            `a bad "window": want a string, got a number`,
		`"window":{"end":null}`:                           `a bad "window": want a string, got null`,
		`"window":{"end":"2020-07-30"}`:                   `a bad "window": string is no time of RFC 3339`,
		`"shardId":5`:                                     `a bad "shardId": want a string, got a number`,
		`"isFinalInvokeForWindow":"no"`:                   `a bad "isFinalInvokeForWindow": want a boolean, got a string`,
		`"isWindowTerminatedEarly":0`:                     `a bad "isWindowTerminatedEarly": want a boolean, got a number`,
		`"isFinalInvokeForWindow":{}`:                     `a bad "isFinalInvokeForWindow": want a boolean, got an object`,
		`"eventSourceARN":[],"isWindowTerminatedEarly":7`: `a bad "isWindowTerminatedEarly": want a boolean, got a number`,
	} {
		is := is.New(t)
		_, _, err := KinesisWindow([]byte(windowHead + members + `}`))
		is.True(err != nil)
		is.Equal(err.Error(), "expected a Kinesis event of a tumbling window, got "+want)
	}
}
