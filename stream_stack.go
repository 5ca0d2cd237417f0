package batch

// How a goroutine begins that runs stages.

// growStack has a goroutine that begins get the stack that a pipeline needs at once. From the 2 KB that it starts with
// it is copied two or three times otherwise, which is a quarter of the time of a batch of one (BenchmarkInvocation).
//
//go:noinline
func growStack(fill bool) {
	if fill { // never: the frame is asked for all the same, and need not be cleared
		var frame [14 << 10]byte // which makes it 16 KB
		fillFrame(&frame)
	}
}

//go:noinline
func fillFrame(frame *[14 << 10]byte) { clear(frame[:]) }
