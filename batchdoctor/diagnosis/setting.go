package diagnosis

// A Setting is one property of a resource as a reader found it: unset, known or unknown. The
// zero Setting is unset, so the service's default applies.
type Setting[T any] struct {
	state  state
	value  T
	reason string
	origin string
}

type state int

const (
	unset state = iota
	known
	unknown
)

// Unset returns a Setting that the deployment leaves out.
func Unset[T any]() Setting[T] { return Setting[T]{} }

// Known returns a Setting whose value was read.
func Known[T any](value T) Setting[T] { return Setting[T]{state: known, value: value} }

// Unknown returns a Setting that is present, but whose value could not be read. The reason is
// a verb phrase that has the setting as its subject: "comes from parameter Timeout, which has
// no default".
func Unknown[T any](reason string) Setting[T] { return Setting[T]{state: unknown, reason: reason} }

// From returns a copy of s that names the expression by which it was written, such as
// "parameter MaxReceives" or "var.max_receives". Two settings of the same origin have the
// same value.
func (s Setting[T]) From(origin string) Setting[T] {
	s.origin = origin
	return s
}

// Origin returns the expression by which s was written, or "" if it is a literal.
func (s Setting[T]) Origin() string { return s.origin }

// Or returns s, or the service's default if s is unset.
func (s Setting[T]) Or(byDefault T) Setting[T] {
	if s.state == unset {
		return Known(byDefault)
	}
	return s
}

// Value returns the value, and whether s is known.
func (s Setting[T]) Value() (T, bool) { return s.value, s.state == known }

// IsUnset reports whether the deployment leaves the setting out.
func (s Setting[T]) IsUnset() bool { return s.state == unset }

// Unread returns the reason why the value could not be read, and whether s is unknown.
func (s Setting[T]) Unread() (reason string, ok bool) { return s.reason, s.state == unknown }
