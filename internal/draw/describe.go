package draw

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/lambdabatch/batch"
)

// indexOf returns the index with which a value begins.
func indexOf(v string) int {
	end := strings.IndexFunc(v, func(r rune) bool { return r < '0' || r > '9' })
	if end < 0 {
		end = len(v)
	}
	i, err := strconv.Atoi(v[:end])
	if err != nil {
		panic("draw: no index in " + v)
	}
	return i
}

// indexOfResult returns -1 for a Result without a record.
func indexOfResult(r batch.Result[string]) int {
	if r.Record().Source == nil {
		return -1
	}
	return r.Record().Index
}

// Describe returns the value, the error or "done": everything that is visible of a Result except its record.
func Describe(r batch.Result[string]) string {
	if v, ok := r.Value(); ok {
		return v
	}
	if err := r.Err(); err != nil {
		return describe(err)
	}
	return "done"
}

// Seen returns the index and the description of a Result that leaves the pipeline.
func Seen(r batch.Result[string]) string {
	return strconv.Itoa(indexOfResult(r)) + ": " + Describe(r)
}

var quoted = regexp.MustCompile(`"(\\.|[^"\\])*"`)

// describe identifies an error. For an error of the library it returns the kind and the records that the
// text names.
func describe(err error) string {
	var blocked, notStarted, unreached = errors.Is(err, batch.ErrBlocked), errors.Is(err, batch.ErrNotStarted), errors.Is(err, batch.ErrUnreached)
	switch x := err.(type) {
	case Fault:
		return x.Error()
	case *batch.PanicError:
		if f, ok := x.Value.(Fault); ok {
			return "panic:" + f.Error()
		}
		return "panic of something else: " + x.Error()
	case *batch.DecodeError:
		text := "undecodable " + strconv.Quote(x.ID)
		if f, ok := x.Err.(Fault); ok {
			text += ": " + f.Error()
		}
		return text
	case interface{ Unwrap() []error }:
		if all := x.Unwrap(); !notStarted && len(all) == 2 {
			return "join(" + describe(all[0]) + "+" + describe(all[1]) + ")"
		}
	}
	names := fmt.Sprint(quoted.FindAllString(err.Error(), -1))
	switch {
	case blocked:
		return "blocked " + names
	case notStarted && errors.Is(err, ErrShutdown):
		return "not started, shut down " + names
	case notStarted && errors.Is(err, context.DeadlineExceeded):
		return "not started, too late " + names
	case unreached:
		return "unreached " + names
	}
	return "other"
}
