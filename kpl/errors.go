package kpl

import (
	"fmt"
	"strings"

	"google.golang.org/protobuf/encoding/protowire"
)

// An AggregateError says what is wrong in a record that begins as an aggregate does. [Deaggregate] returns it in a
// [batch.DecodeError].
type AggregateError struct {
	UserRecord int    // position of the user record that is wrong, from 0; -1 if the aggregate itself is
	Reason     string // such as "the checksum does not match"
	Err        error  // of the protobuf message; nil if that is well formed
}

func (e *AggregateError) Error() string {
	text := "KPL aggregate: "
	if e.UserRecord >= 0 {
		text += fmt.Sprintf("user record %d: ", e.UserRecord)
	}
	text += e.Reason
	if e.Err != nil {
		// The protobuf module varies the space from build to build.
		text += ": " + strings.TrimPrefix(strings.ReplaceAll(e.Err.Error(), "\u00a0", " "), "proto: ")
	}
	return text
}

func (e *AggregateError) Unwrap() error { return e.Err }

const noUserRecord = -1

func broken(userRecord int, format string, args ...any) error {
	return &AggregateError{UserRecord: userRecord, Reason: fmt.Sprintf(format, args...)}
}

// malformed is the error of bytes that are no protobuf message. The code is negative, and protowire's.
func malformed(userRecord, code int) error {
	return &AggregateError{UserRecord: userRecord, Reason: "not a protobuf message", Err: protowire.ParseError(code)}
}
