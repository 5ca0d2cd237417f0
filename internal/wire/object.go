package wire

import "bytes"

// A member reads the value that an object has under a name into a T.
type member[T any] struct {
	name string
	read func(*reader, *T)
}

// object reads an object into a T. null leaves the T as it is. The members are in the order in which AWS sends them,
// so the next one is tried first.
func object[T any](r *reader, members []member[T], to *T) {
	if !r.open('{') {
		return
	}
	next := 0
	for first := true; ; first = false {
		i, end := next, min(next+2, len(members)) // AWS may leave one out
		for i < end && !r.expected(members[i].name, first) {
			i++
		}
		if i == end {
			name, ok := r.member(first)
			if !ok {
				return
			}
			if i = find(members, next, name); i < 0 {
				r.skip()
				continue
			}
		}
		members[i].read(r, to)
		next = i + 1
	}
}

// expected advances to the value of an object's next member if that has this name, written as AWS writes it: without
// white space or escapes.
func (r *reader) expected(name string, first bool) bool {
	at, data := r.pos, r.data
	if !first {
		if at == len(data) || data[at] != ',' {
			return false
		}
		at++
	}
	end := at + len(name) + 3
	if end > len(data) || data[at] != '"' || string(data[at+1:end-2]) != name || data[end-2] != '"' || data[end-1] != ':' {
		return false
	}
	r.pos = end
	return true
}

// find returns the index of the member that a name matches, or -1. It tries the likely one first.
func find[T any](members []member[T], likely int, name []byte) int {
	if likely < len(members) && members[likely].name == string(name) {
		return likely
	}
	for i := range members {
		if matchesName(name, members[i].name) {
			return i
		}
	}
	return -1
}

// matchesName reports whether encoding/json would match a name to a field.
func matchesName(name []byte, field string) bool { return bytes.EqualFold(name, []byte(field)) }

// entries reads an object's members into a map, which it makes if there is none. null makes the map nil. The last of
// two members with the same name counts, and a member for which read reports false does not. size is the size of the
// last such map, and so a guess for this one.
func entries[V any](r *reader, to *map[string]V, size *int, read func(*reader, string) (V, bool)) {
	if r.peek() == 'n' {
		*to = nil
	}
	if !r.open('{') {
		return
	}
	m := *to
	if m == nil {
		m = make(map[string]V, min(*size, maxMapSize))
		*to = m
	}
	for first := true; ; first = false {
		name, ok := r.member(first)
		if !ok {
			break
		}
		key := r.share(name)
		if value, ok := read(r, key); ok {
			m[key] = value
		}
	}
	*size = len(m)
}

// maxMapSize bounds the room that is made for a map because the last one was large.
const maxMapSize = 16

// list reads an array into a slice. null makes the slice nil. A list that is given twice is a fault: encoding/json
// would merge elements of the first list into the second.
func list[E any](r *reader, to *[]E, read func(*reader, *E)) {
	if r.peek() == 'n' {
		*to = nil
	}
	at, old := r.pos, *to
	if !r.open('[') {
		return
	}
	if len(old) > 0 {
		r.bad(at, errList)
	}
	s := []E{}
	for first := true; r.element(first); first = false {
		s = append(s, *new(E))
		read(r, &s[len(s)-1])
	}
	*to = s
}
