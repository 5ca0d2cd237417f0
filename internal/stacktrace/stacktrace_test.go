package stacktrace_test

import (
	"runtime/debug"
	"strings"
	"testing"

	"github.com/matryer/is"

	"github.com/lambdabatch/batch/internal/stacktrace"
)

// stackOf returns the stack of a panic, as the library takes it.
func stackOf(f func()) (stack []byte) {
	defer func() {
		_ = recover()
		stack = debug.Stack()
	}()
	f()
	return nil
}

type shop struct{}

//go:noinline
func (shop) charge(parcels int) int { return 100 / parcels }

func generic[T any](v T) { panic(v) }

func TestTheUsersFunctionIsNamedWithItsFileAndLine(t *testing.T) {
	for want, f := range map[string]func(){
		"stacktrace_test.go:26 stacktrace_test.shop.charge":  func() { _ = shop{}.charge(0) },
		"stacktrace_test.go:28 stacktrace_test.generic[...]": func() { generic("oh") },
		// A panic in the standard library is blamed on the function that called it.
		"stacktrace_test.go:35 stacktrace_test.TestTheUsersFunctionIsNamedWithItsFileAndLine.func3": func() { _ = strings.Repeat("x", -1) },
		// A deferred function that panics again is not where the panic began.
		"stacktrace_test.go:26 stacktrace_test.shop.charge ": func() {
			defer func() { panic(recover()) }()
			_ = shop{}.charge(0)
		},
	} {
		t.Run(want, func(t *testing.T) {
			is := is.New(t)
			at, rest := stacktrace.Of(stackOf(f))
			is.Equal(at, strings.TrimSpace(want))
			is.True(!strings.Contains(rest, "runtime."))
			is.True(!strings.Contains(rest, "panic("))
			is.True(!strings.Contains(rest, "+0x"))
			is.True(strings.Contains(rest, "\n\t"))
		})
	}
}

const stack = `goroutine 22 [running]:
runtime/debug.Stack()
	/usr/local/go/src/runtime/debug/stack.go:26 +0x5e
github.com/lambdabatch/batch.newPanicError({0xb5c220, 0x1298e20?})
	/src/batch/errors.go:23 +0x55
panic({0xb5c220?, 0x1298e20?})
	/usr/local/go/src/runtime/panic.go:860 +0x13a
runtime.panicdivide()
	/usr/local/go/src/runtime/panic.go:263 +0x20
orders/payments.(*Client).Charge(0x363ae6bdcea0?, {0xc9b710?, 0x363ae6b78fe0?})
	C:\src\orders\payments\client.go:43 +0x2e5
main.charge(...)
	/src/orders/orders.go:41
github.com/lambdabatch/batch.then[...](0x363ae6a5da18?, 0x363ae6b1f4f0, 0x0)
	/src/batch/result.go:158 +0x1f3
github.com/lambdabatch/batch/internal/lanes.run()
	/src/batch/internal/lanes/lane.go:1 +0x1f3
github.com/lambdabatch/batchful.Mine()
	/src/batchful/mine.go:5 +0x1
created by github.com/lambdabatch/batch.(*collector[...]).drive in goroutine 1
	/src/batch/collect_drive.go:111 +0x68
`

func TestTheStackIsThatOfTheUsersFunctions(t *testing.T) {
	is := is.New(t)
	at, rest := stacktrace.Of([]byte(stack))
	is.Equal(at, "client.go:43 payments.(*Client).Charge")
	is.Equal(rest, `orders/payments.(*Client).Charge
	C:/src/orders/payments/client.go:43
main.charge
	/src/orders/orders.go:41
github.com/lambdabatch/batchful.Mine
	/src/batchful/mine.go:5
`)
}

func TestStandardLibraryFramesAreRecognisedInTrimmedPaths(t *testing.T) {
	is := is.New(t)
	trimmed := `goroutine 1 [running]:
runtime/debug.Stack()
	runtime/debug/stack.go:26 +0x5e
panic({0xb5c220?, 0x1298e20?})
	runtime/panic.go:860 +0x13a
encoding/json.(*Decoder).Decode(0x1)
	encoding/json/stream.go:5 +0x1
strings.Repeat(...)
	strings/strings.go:5 +0x1
`
	at, _ := stacktrace.Of([]byte(trimmed + "example.com/shop/orders.charge()\n\texample.com/shop@v1.0.0/orders/charge.go:7 +0x1\n"))
	is.Equal(at, "charge.go:7 orders.charge")
	at, _ = stacktrace.Of([]byte(trimmed + "main.charge()\n\tshop/charge.go:8 +0x1\n"))
	is.Equal(at, "charge.go:8 main.charge")
	at, _ = stacktrace.Of([]byte(trimmed))
	is.Equal(at, "stream.go:5 json.(*Decoder).Decode") // better than nothing
}

func TestTextThatIsNotAStackIsReturnedUnchanged(t *testing.T) {
	for _, text := range []string{
		"", "oh", "\t", "\n\t:\n", "a\n\t:1\n", "a\n\tb", "goroutine 1 [running]:\n", "an error\nin a.go:5\n",
	} {
		is := is.New(t)
		at, rest := stacktrace.Of([]byte(text))
		is.Equal(at, "")
		is.Equal(rest, text)
	}
}

func TestEachFormOfAFrameIsRead(t *testing.T) {
	for stack, want := range map[string]string{
		"f(0x1)\n\ta:1 +0x5":           "a:1 f", // the first line and the last one count, and short names do
		"main.f\n\t/src/f.go:1 +0x1\n": "f.go:1 main.f",
		"(f)\n\t/src/f.go:1\n":         "f.go:1 (f)",
		"created by main.start in goroutine 7\n\t/src/main.go:3 +0x1\n": "main.go:3 main.start",
		"oh\n\tno\nmain.f()\n\t/src/f.go:1\n":                           "f.go:1 main.f", // after lines of something else
	} {
		t.Run(want, func(t *testing.T) {
			is := is.New(t)
			at, rest := stacktrace.Of([]byte(stack))
			is.Equal(at, want)
			is.True(strings.HasPrefix(rest, strings.Fields(want)[1]+"\n\t"))
		})
	}
}

func FuzzAnyStackIsRead(f *testing.F) {
	f.Add(stack)
	f.Add("a(\n\tb:1 +0x1\n")
	f.Fuzz(func(t *testing.T, text string) {
		at, rest := stacktrace.Of([]byte(text))
		if at == "" && rest != text {
			t.Errorf("%q became %q", text, rest)
		}
	})
}
