package lanes

import "slices"

// A queue holds items in the order in which they were pushed.
type queue[T, R any] struct {
	items []*Item[T, R]
	head  int
}

func (q *queue[T, R]) len() int { return len(q.items) - q.head }

func (q *queue[T, R]) first() *Item[T, R] {
	if q.len() == 0 {
		return nil
	}
	return q.items[q.head]
}

func (q *queue[T, R]) pop() {
	q.items[q.head] = nil
	q.head++
}

// add inserts an item. It belongs at the end, unless it has waited in a line while later items were pushed.
func (q *queue[T, R]) add(it *Item[T, R]) {
	q.items, q.head = compact(q.items, q.head)
	at := len(q.items)
	if q.len() > 0 && q.items[at-1].number > it.number {
		at, _ = slices.BinarySearchFunc(q.items[q.head:], it, func(a, b *Item[T, R]) int { return int(a.number - b.number) })
		at += q.head
	}
	q.items = slices.Insert(q.items, at, it)
}

// drain empties the queue and returns its items.
func (q *queue[T, R]) drain() []*Item[T, R] {
	all := slices.Clone(q.items[q.head:])
	q.items, q.head = nil, 0
	return all
}

// compact drops the items before head once they are more than the others. So their room is used again, and the items
// that are moved are never more than those that have gone since the last time.
func compact[T, R any](items []*Item[T, R], head int) ([]*Item[T, R], int) {
	if head <= len(items)/2 {
		return items, head
	}
	return slices.Delete(items, 0, head), 0
}
