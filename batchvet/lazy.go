package batchvet

import "golang.org/x/tools/go/ssa"

// isLazy reports whether call, which makes a stream of another, certainly ranges over that one only when its own is ranged
// over. So do the stages of package batch and the functions of lo. A function of the checked package does if it only
// passes the stream on to lazy functions, or returns it, or ranges over it in a function literal that it returns.
func isLazy(call *ssa.Call, stream ssa.Value) bool { return lazily{}.calls(call, stream) }

// lazily holds the streams that are being followed, because functions may be recursive.
type lazily map[ssa.Value]bool

func (l lazily) calls(call *ssa.Call, stream ssa.Value) bool {
	common := call.Common()
	if made, ok := common.Value.(*ssa.Call); ok {
		return isFunc(calleeOf(made), batchPath) // Each(send)(stream)
	}
	if made := calleeOf(call); isFunc(made, batchPath) || isFunc(made, loPath) {
		return true
	}
	f := common.StaticCallee()
	if f == nil {
		return false
	}
	if f.Origin() != nil {
		f = f.Origin()
	}
	for i, arg := range common.Args {
		if arg == stream && (len(f.Blocks) == 0 || !l.uses(f.Params[i])) {
			return false
		}
	}
	return true
}

// uses reports whether a function uses its stream lazily only.
func (l lazily) uses(stream ssa.Value) bool {
	if l[stream] {
		return true
	}
	l[stream] = true
	for _, user := range *stream.Referrers() {
		if !l.isUse(user, stream) {
			return false
		}
	}
	return true
}

func (l lazily) isUse(user ssa.Instruction, stream ssa.Value) bool {
	switch user := user.(type) {
	case *ssa.Return, *ssa.DebugRef:
		return true
	case *ssa.ChangeType:
		return l.uses(user)
	case *ssa.Call:
		return user.Common().Value != stream && isStream(user.Type()) && l.calls(user, stream) && l.uses(user)
	case *ssa.Store: // to a variable, as a function literal captures it
		variable, ok := user.Addr.(*ssa.Alloc)
		return ok && user.Val == stream && l.variable(variable)
	}
	return false
}

func (l lazily) variable(variable *ssa.Alloc) bool {
	for _, user := range *variable.Referrers() {
		switch user := user.(type) {
		case *ssa.UnOp:
			if !l.uses(user) {
				return false
			}
		case *ssa.MakeClosure:
			if !isOnlyReturned(user) {
				return false
			}
		case *ssa.Store, *ssa.DebugRef:
		default:
			return false
		}
	}
	return true
}

// isOnlyReturned reports whether a function literal runs only after its function has returned.
func isOnlyReturned(value ssa.Value) bool {
	for _, user := range *value.Referrers() {
		switch user := user.(type) {
		case *ssa.Return, *ssa.DebugRef:
		case *ssa.ChangeType:
			if !isOnlyReturned(user) {
				return false
			}
		default:
			return false
		}
	}
	return true
}
