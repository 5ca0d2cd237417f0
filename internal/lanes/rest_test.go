package lanes_test

// Pools within a lane of another pool tell it whether anything moves in them.

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lambdabatch/batch/internal/lanes"
	"github.com/samber/lo"
)

// told is what a pool has told the one around it.
type told struct {
	goroutines atomic.Int32
	busy       atomic.Bool
}

func (n *told) is(t *testing.T, goroutines int, busy bool) {
	t.Helper()
	synctest.Wait()
	if got, want := fmt.Sprint(n.goroutines.Load(), n.busy.Load()), fmt.Sprint(goroutines, busy); got != want {
		t.Fatalf("goroutines, busy: %v, want %v", got, want)
	}
}

// listen makes the pool of the scene tell its news from the first item on.
func (s *scene) listen() *told {
	n := new(told)
	s.Goroutines = func(now func() int) { n.goroutines.Store(int32(now())) }
	s.Busy = n.busy.Store
	return n
}

// waitOnce waits for something to receive, as the consumer does.
func (s *scene) waitOnce() {
	if out, over := s.Receive(nil); len(out) > 0 || over {
		return
	}
	s.Rest()
	<-s.Changed
	s.Rise()
}

func TestANestedPoolIsBusyWhileItsLanesWork(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newScene(2, do)
		news := s.listen()
		next := make(chan int)
		go func() {
			for i := range next {
				s.push(s.items[i])
			}
			s.Exhaust()
		}()
		for range 3 {
			s.add(0, 0, 0, time.Second)
		}
		news.is(t, 0, false)
		s.Nest()
		news.is(t, 1, false)
		next <- 0
		news.is(t, 1, true) // a lane has been started
		time.Sleep(time.Second)
		news.is(t, 1, false)
		next <- 1
		news.is(t, 1, true) // a lane has been called
		next <- 2
		time.Sleep(time.Second)
		news.is(t, 1, false)
		s.Hasten()
		news.is(t, 1, false) // the lanes were woken, but hold nothing
		close(next)
		news.is(t, 0, false)
		s.consume()
		news.is(t, 0, false)
	})
}

func TestAPoolThatIsNestedWhileItsLanesWorkIsBusy(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newScene(1, do)
		news := s.listen()
		s.push(s.add(0, 0, 0, time.Second))
		news.is(t, 0, false)
		s.Nest()
		news.is(t, 1, true)
		s.Exhaust()
		s.consume()
		news.is(t, 0, false)
	})
}

func TestTheConsumerOfANestedPoolRestsUntilThereIsSomethingToReceive(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newScene(1, do)
		news := s.listen()
		s.Nest()
		received := make(chan bool)
		go func() {
			for range 3 {
				s.waitOnce()
				received <- true
			}
		}()
		news.is(t, 0, false)
		s.push(s.add(0, 0, 0, 0))
		news.is(t, 1, false) // it was called, and has not asked again
		<-received
		news.is(t, 1, false) // there is something to receive
		<-received
		news.is(t, 0, false)
		s.Nudge()
		news.is(t, 1, false)
		<-received
		s.Break()
	})
}

// The consumer is called, but does not go on before the test has looked.
func TestTheConsumerDoesNotRestAnyMoreOnceItIsCalled(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newScene(1, do)
		news := s.listen()
		s.Nest()
		s.Receive(nil)
		s.Rest()
		news.is(t, 0, false)
		s.Nudge()
		news.is(t, 1, false)
		s.Rise()
		news.is(t, 1, false)
		s.Receive(nil)
		news.is(t, 1, false)
		s.Rest()
		news.is(t, 0, false)
		s.Rise() // for another reason
		news.is(t, 1, false)
	})
}

func TestLanesThatWaitForTheConsumerAreNotBusy(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newScene(2, do)
		news := s.listen()
		s.Nest()
		for range 2 {
			s.push(s.add(0, 0, 0, make([]time.Duration, lanes.Behind)...))
		}
		news.is(t, 1, false)
		s.Receive(nil)
		if !news.busy.Load() {
			t.Error("there are places again")
		}
		news.is(t, 1, false)
		s.push(s.add(0, 0, 0, time.Hour))
		s.push(s.add(0, 0, 0, time.Minute))
		s.Receive(nil)
		time.Sleep(2 * time.Minute)
		news.is(t, 1, true) // one lane still works
		time.Sleep(time.Hour)
		for range 2 { // also when the lanes have gone
			s.Break()
			news.is(t, 1, false)
		}
	})
}

func TestTheProducerRestsWhileThereIsNoRoom(t *testing.T) {
	for name, goOn := range map[string]func(*scene){
		"a lane is free": func(s *scene) {
			time.Sleep(time.Hour)
			synctest.Wait()
			out, _ := s.Receive(nil)
			s.take(out)
		},
		"the items expire":    func(s *scene) { s.ReleaseExpired(func(*job) bool { return true }) },
		"the pool is stopped": func(s *scene) { s.Break() },
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				s := newScene(1, do)
				news := s.listen()
				s.Nest()
				s.Narrow()
				over := make(chan bool)
				go func() {
					s.push(s.add(0, 0, 0, time.Hour))
					<-over
				}()
				news.is(t, 0, true)
				goOn(s)
				news.is(t, 1, name != "a lane is free")
				close(over)
				s.Break()
				time.Sleep(time.Hour)
				news.is(t, 1, false)
			})
		})
	}
}

func TestANestedPoolIsBusyWhileOneWithinItsLanesWorks(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newScene(1, do)
		defer s.Break()
		news := s.listen()
		var inner atomic.Bool
		inner.Store(true)
		s.Works = func(_ any, waiting int) bool { return inner.Load() || waiting == 0 }
		s.Nest()
		s.push(s.add(0, 0, 0, 0))
		news.is(t, 1, true)
		inner.Store(false)
		s.InnerRest()
		news.is(t, 1, false)
	})
}

func TestALaneThatIsGivenUpIsNotBusy(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newScene(1, do)
		news := s.listen()
		s.Nest()
		s.push(s.add(0, 0, 0, time.Hour))
		news.is(t, 1, true)
		s.GiveUp(true)
		news.is(t, 1, false)
		time.Sleep(time.Hour)
		news.is(t, 1, false)
	})
}

// Lane 0 collects two items. The next ones of the first item's line are for lane 1 and lane 0. A pool within lane 0, or within lane 1, works
// for an hour.
func TestALaneIsRetiredOnlyWhenThePoolsWithinTheLanesRest(t *testing.T) {
	for _, at := range []int{0, 1} {
		bubble(t, func(t *testing.T) {
			s := newPair(holding(10, false))
			var inner atomic.Bool
			inner.Store(true)
			s.Works = func(owner any, waiting int) bool {
				return waiting == 0 || inner.Load() && s.lanes[owner.(int)].Number == at
			}
			s.add(3, 0, 0, 0).Value.to = 1
			s.add(1, 0, 0, 0)
			s.add(2, 0, 0, 0)
			s.add(1, 0, 0, 0).Value.to = 1
			s.add(1, 0, 0, 0)
			s.produce()
			go func() {
				time.Sleep(time.Hour)
				inner.Store(false)
				s.InnerRest()
			}()
			s.consume()
			finishedOnce(t, s)
			equal(t, "given", s.given(), []time.Duration{0, 0, 0, time.Hour, time.Hour})
			if started := s.started(); started[0] != 2 || started[1] != 1 {
				t.Errorf("started lanes: %v", started)
			}
		})
	}
}

func TestAProducerThatHasGoneDoesNotCount(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newIdleScene(1)
		news := s.listen()
		s.Nest()
		news.is(t, 1, false)
		s.Exhaust()
		news.is(t, 0, false)
	})
}

// The producer has gone and the consumer waits, so the lane around would be taken for idle if the pool were not busy.
func TestAPoolIsBusyBeforeItsProducerHasGone(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newScene(1, do)
		news := s.listen()
		s.Goroutines = func(now func() int) {
			if now() < 0 && !news.busy.Load() {
				t.Error("nothing moves, but the lane has not been told that its input has ended")
			}
		}
		s.Nest()
		s.push(s.add(0, 0, 0, 0))
		synctest.Wait()
		s.Receive(nil)
		s.Receive(nil)
		s.Rest()
		s.Exhaust()
		s.Rise()
		synctest.Wait()
		s.consume()
	})
}

// Three goroutines ask for the items of lane 0. Two of them take one each and wait for the end of the input. The third one was asked to
// flush before the second item was taken.
func TestALaneIsAskedToFlushThoughTheGoroutineThatTookItsLastItemWaits(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newPair(func(s *scene, l *lane) {
			defer s.Close(l, true, lost(s))
			var wg sync.WaitGroup
			ended := make(chan bool)
			end := sync.OnceFunc(func() { close(ended) })
			for range 3 {
				wg.Go(func() {
					for it, turn := s.Next(l); ; it, turn = s.Next(l) {
						switch turn {
						case lanes.Work:
							s.InnerRest()
							<-ended
							s.emit(l, it, 0)
							return
						case lanes.End:
							end()
							return
						}
					}
				})
			}
			wg.Wait()
		})
		s.Works = func(any, int) bool { return false }
		s.add(1, 0, 0, 0)
		s.add(3, 0, 0, time.Second).Value.to = 1
		s.add(3, 0, 0, 0)
		s.add(1, 0, 0, 0).Value.to = 1
		s.add(1, 0, 0, 0)
		s.produce()
		s.consume()
		finishedOnce(t, s)
	})
}

// The lane takes an hour to flush, or after its input has ended. It does not ask meanwhile.
func TestALaneThatHasAskedIsStuckIfItDoesNotAskAgain(t *testing.T) {
	for name, answer := range map[string]func(*scene){"flush": (*scene).Hasten, "end": (*scene).Exhaust} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				s := newScene(1, func(s *scene, l *lane) {
					defer s.Close(l, true, lost(s))
					s.Next(l)
					if _, turn := s.Next(l); turn != lanes.Work {
						time.Sleep(time.Hour)
					}
				})
				s.push(s.add(0, 0, 0, 0))
				answer(s)
				synctest.Wait()
				s.ReleaseExpired(func(*job) bool { return true })
				s.GiveUp(false)
				out, _ := s.Receive(nil)
				equal(t, "how", lo.Map(out, func(r result, _ int) string { return r.how }), []string{"abandoned"})
				time.Sleep(2 * time.Hour)
			})
		})
	}
}
