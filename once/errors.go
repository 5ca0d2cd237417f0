package once

import "errors"

// What a function of [Map] and [Each] may fail with, in addition to its own errors and those of the store. For use with
// errors.Is. The texts name the key.
var (
	// ErrInProgress: somebody else has claimed the key and is working on it. The record is redelivered, and
	// the work may be done by then.
	ErrInProgress = errors.New("in progress")
	// ErrPayload: the key was claimed for another payload, see [WithPayload]. Trying again cannot help
	// before the key expires.
	ErrPayload = errors.New("claimed for another payload")
	// ErrKey: the key is empty or no valid UTF-8, so that different work might share it.
	ErrKey = errors.New("no key")
	// ErrShared: another function had the same key for the same record. It would have taken the saved result of
	// the first one's work for its own, and done nothing. [WithName] tells the two apart.
	ErrShared = errors.New("shared with another function")
	// ErrLate: the function has succeeded, but its claim had ended, or was lost, so that the result is not
	// saved. The work may be done again.
	ErrLate = errors.New("finished after its claim had ended")
	// ErrResult: the work is done, but what it returned cannot be saved, or is saved in a form that does not fit
	// the function's result. The function is not called again before the key expires.
	ErrResult = errors.New("unreadable result")
)
