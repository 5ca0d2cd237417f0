package once

import "errors"

// The errors of [Map] and [Each], for use with errors.Is. Those of the function and of the store come in addition. The texts
// name the key.
var (
	// ErrInProgress: another call has claimed the key and is not done. The record is redelivered, and the work may
	// be done by then.
	ErrInProgress = errors.New("in progress")
	// ErrPayload: the work of the key was done for another payload, see [WithPayload]. Trying again cannot help
	// before the key expires.
	ErrPayload = errors.New("done for another payload")
	// ErrKey: the key is empty or not valid UTF-8, so that different work might share it.
	ErrKey = errors.New("no key")
	// ErrShared: the record has already been through another function with the same key. The second one would have
	// taken the first one's work for its own, and done nothing. [WithName] tells the two apart.
	ErrShared = errors.New("shared with another function")
	// ErrLate: the function has succeeded, but its claim had ended or was lost, so the result is not saved. The
	// work may be done again.
	ErrLate = errors.New("finished after its claim had ended")
	// ErrResult: the work is done, but its result cannot be saved, or is saved in a form that does not fit the type
	// that the function returns. The function is not called again before the key expires.
	ErrResult = errors.New("unreadable result")
)
