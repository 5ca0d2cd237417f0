package kpl

import (
	"fmt"
	"strings"

	"google.golang.org/protobuf/encoding/protowire"
)

// An AggregateError says what is wrong with an aggregate. [Deaggregate] returns it inside a
// [batch.DecodeError].
type AggregateError struct {
	UserRecord int    // position of the broken user record, from 0; -1 if the aggregate itself is broken
	Reason     string // such as "the checksum does not match"
	Err        error  // why the message is not valid protobuf; nil if it is valid
}

func (e *AggregateError) Error() string {
	text := "KPL aggregate: "
	if e.UserRecord >= 0 {
		text += fmt.Sprintf("user record %d: ", e.UserRecord)
	}
	text += e.Reason
	if e.Err != nil {
		// The text begins with "proto:" and a space, which is a non-breaking one in some builds.
		text += ": " + strings.TrimPrefix(strings.ReplaceAll(e.Err.Error(), "\u00a0", " "), "proto: ")
	}
	return text
}

func (e *AggregateError) Unwrap() error { return e.Err }

// wholeAggregate takes the place of a user record's position in errors about the aggregate itself.
const wholeAggregate = -1

func broken(userRecord int, format string, args ...any) error {
	return &AggregateError{UserRecord: userRecord, Reason: fmt.Sprintf(format, args...)}
}

// malformed takes one of protowire's negative error codes.
func malformed(userRecord, code int) error {
	return &AggregateError{UserRecord: userRecord, Reason: "not a protobuf message", Err: protowire.ParseError(code)}
}
