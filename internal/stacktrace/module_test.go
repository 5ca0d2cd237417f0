package stacktrace

import (
	"testing"

	"github.com/matryer/is"
)

// The stacks are of a build with trimmed paths.
func TestAFunctionOfTheMainModuleIsTheUsers(t *testing.T) {
	stack := func(function string) []byte {
		return []byte("goroutine 7 [running]:\nruntime/debug.Stack()\n\truntime/debug/stack.go:26 +0x5e\npanic({0x1, 0x2})\n" +
			"\truntime/panic.go:783 +0x132\n" + function + "(...)\n\torders/pay/pay.go:7\nmain.handle({0x3, 0x4})\n\torders/main.go:14 +0x1d\n")
	}
	for _, test := range []struct{ module, function, at string }{
		{"orders", "orders/pay.Charge", "pay.go:7 pay.Charge"},
		{"orders", "orders.Charge", "pay.go:7 orders.Charge"},
		{"example.com/orders", "example.com/orders/pay.Charge", "pay.go:7 pay.Charge"},
		{"order", "orders/pay.Charge", "main.go:14 main.handle"}, // of another module, or of the standard library
		{"encoding", "encoding/json.Unmarshal", "pay.go:7 json.Unmarshal"},
		{"", "encoding/json.Unmarshal", "main.go:14 main.handle"},
		{"", "orders/pay.Charge", "main.go:14 main.handle"},
		{"orders/pay.Charge", "orders/pay.Charge", "main.go:14 main.handle"},
	} {
		at, _ := in(test.module, stack(test.function))
		is.New(t).Equal(at, test.at)
	}
}
