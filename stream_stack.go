package batch

// How a goroutine that runs stages gets its stack.

// growStack makes the runtime grow the stack of a new goroutine at once to the size that a
// pipeline needs. Otherwise the stack begins with 2 KB and is copied two or three times, which
// takes a quarter of the time of a batch of one (BenchmarkInvocation).
//
//go:noinline
func growStack(fill bool) {
	if fill { // never true: the frame is part of the function's stack even if it is not used or cleared
		var frame [14 << 10]byte // makes the stack 16 KB
		fillFrame(&frame)
	}
}

//go:noinline
func fillFrame(frame *[14 << 10]byte) { clear(frame[:]) }
