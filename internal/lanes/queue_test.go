package lanes

import "testing"

type (
	number = Item[int, int]
	order  = ordering[int, int]
)

func TestAQueueUsesTheRoomOfItemsThatWereTakenAgain(t *testing.T) {
	var q queue[int, int]
	for i := range int32(100) {
		q.add(&number{number: i})
	}
	for range 95 {
		q.pop()
	}
	for i := range int32(900) {
		q.add(&number{number: 100 + i})
		q.pop()
	}
	if q.len() != 5 || q.first().number != 995 || cap(q.items) > 200 {
		t.Errorf("%d items wait, the first is %d, and there is room for %d", q.len(), q.first().number, cap(q.items))
	}
}

func TestAQueueHasTheOrderInWhichItemsWerePushed(t *testing.T) {
	var q queue[int, int]
	for _, i := range []int32{1, 7, 9, 3, 0, 8, 2} {
		q.add(&number{number: i})
	}
	q.pop()
	q.pop()
	for _, i := range []int32{6, 10, 5} {
		q.add(&number{number: i})
	}
	for _, want := range []int32{2, 3, 5, 6, 7, 8, 9, 10} {
		if got := q.first().number; got != want {
			t.Fatalf("item %d is first, not %d", got, want)
		}
		q.pop()
	}
}

func TestAGateUsesTheRoomOfItemsThatHavePassedAgain(t *testing.T) {
	var p Pool[int, int, int]
	g := p.gate(1)
	var waiting []*number
	for i := range int32(1000) {
		it := &number{number: i, ordering: &order{rank: int(i)}}
		g.enter(it)
		if waiting = append(waiting, it); len(waiting) > 5 {
			waiting[0].finished = true
			waiting = waiting[1:]
			p.open(g)
		}
	}
	if len(g.items)-g.head != 5 || g.items[g.head].number != 995 || cap(g.items) > 32 {
		t.Errorf("%d items wait, and there is room for %d", len(g.items)-g.head, cap(g.items))
	}
}

func BenchmarkQueueOfManyItems(b *testing.B) {
	var q queue[int, int]
	all := make([]number, 20_000)
	next := 0
	add := func() {
		it := &all[next%len(all)]
		it.number = int32(next)
		q.add(it)
		next++
	}
	for range len(all) / 2 {
		add()
	}
	for b.Loop() {
		add()
		q.pop()
	}
}
