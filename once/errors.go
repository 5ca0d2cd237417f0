package once

import "errors"

// The errors of [Map] and [Each], for errors.Is. Their texts name the key. In addition, [Map] and [Each] return
// the errors of the function and of the store.
var (
	// ErrInProgress means that another call has claimed the key and has not finished. The work may be done by the
	// time the record is redelivered.
	ErrInProgress = errors.New("in progress")
	// ErrPayload means that the key is done for another payload, see WithPayload. Retrying cannot help before
	// the key expires.
	ErrPayload = errors.New("done for another payload")
	// ErrKey means that the key is empty or not valid UTF-8. Different records might share such a key.
	ErrKey = errors.New("no key")
	// ErrShared means that the record has already passed through another function with the same key. The second
	// function would have found the key done and would never have been called. Use WithName to tell them
	// apart.
	ErrShared = errors.New("shared with another function")
	// ErrLate means that the function succeeded, but its claim had ended or was lost. The result is not saved,
	// and the work may be done again.
	ErrLate = errors.New("finished after its claim had ended")
	// ErrResult means that the work is done, but its result cannot be saved, or the saved result does not fit
	// the function's return type. The function is not called again before the key expires.
	ErrResult = errors.New("unreadable result")
)
