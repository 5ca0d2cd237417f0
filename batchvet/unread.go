package batchvet

import (
	"go/token"
	"go/types"

	"golang.org/x/tools/go/ssa"
)

// unreadCalls returns the places of the calls, by their opening parenthesis, whose value goes to a
// variable from which it is never read. Of several values, the streams matter.
func unreadCalls(functions []*ssa.Function) map[token.Pos]bool {
	unread := make(map[token.Pos]bool)
	for _, f := range functions {
		for _, block := range f.Blocks {
			for _, instruction := range block.Instrs {
				if call, ok := instruction.(*ssa.Call); ok && isUnread(call) {
					unread[call.Pos()] = true
				}
			}
		}
	}
	return unread
}

func isUnread(call *ssa.Call) bool {
	if _, several := call.Type().(*types.Tuple); !several {
		return len(*call.Referrers()) == 0
	}
	for _, user := range *call.Referrers() {
		value, ok := user.(*ssa.Extract)
		if !ok || isStream(value.Type()) && len(*value.Referrers()) > 0 {
			return false
		}
	}
	return true
}
