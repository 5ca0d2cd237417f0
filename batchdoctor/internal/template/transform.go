package template

// transform calls a macro, such as AWS::Include. The macro may add fields next to the call.
const transform = "Fn::Transform"

const maySet = "may be set by " + transform

var mayBeAdded = &node{kind: pending}

// property returns a field like get. If n has no such field but a macro may add it, the value of
// the property is unknown.
func (n *node) property(key string) *node {
	if found := n.get(key); found != nil || !n.isOpen() {
		return found
	}
	return mayBeAdded
}

// isOpen reports whether a macro may add fields to n.
func (n *node) isOpen() bool { return n == mayBeAdded || n.get(transform) != nil }

// A block is a resource or an event, with its properties. A macro may be called in either.
type block struct{ body, properties *node }

func newBlock(body *node) block { return block{body, body.get("Properties")} }

func (b block) property(name string) *node {
	if found := b.properties.get(name); found != nil || !b.isOpen() {
		return found
	}
	return mayBeAdded
}

func (b block) isOpen() bool { return b.body.isOpen() || b.properties.isOpen() }
