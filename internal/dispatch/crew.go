package dispatch

import (
	"slices"
	"sync"
	"sync/atomic"
)

// A Crew is a number of goroutines that somebody waits for, or stops waiting for.
type Crew struct {
	// Changed receives a value after somebody has called Notify, or has left.
	Changed chan struct{}

	running atomic.Int32
	adrift  func(delta int32)
	mu      sync.Mutex
	members []*Member
}

// A Member is one goroutine of a crew.
type Member struct {
	gone, adrift bool
	abandon      func()
}

// Init makes a Crew. adrift is told how many more are left running.
func (c *Crew) Init(adrift func(delta int32)) {
	c.adrift = adrift
	c.Changed = make(chan struct{}, 1)
}

// Join adds a goroutine, for which abandon is called if it is given up.
func (c *Crew) Join(m *Member, abandon func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	m.abandon = abandon
	c.members = append(c.members, m)
	c.running.Add(1)
}

// Leave says that the goroutine has ended.
func (c *Crew) Leave(m *Member) {
	c.mu.Lock()
	defer c.mu.Unlock()
	m.gone = true
	if m.adrift {
		c.adrift(-1)
	} else {
		c.running.Add(-1)
	}
	c.Notify()
}

// Running reports whether there is anyone to wait for.
func (c *Crew) Running() bool { return c.running.Load() > 0 }

// Gone reports whether a goroutine has ended.
func (c *Crew) Gone(m *Member) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return m.gone
}

// Abandon gives up those that run, but for some.
func (c *Crew) Abandon(but ...*Member) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, m := range c.members {
		if !m.gone && !m.adrift && !slices.Contains(but, m) {
			m.adrift = true
			c.adrift(1)
			m.abandon()
			c.running.Add(-1)
		}
	}
	c.Notify()
}

// Notify wakes whoever waits.
func (c *Crew) Notify() {
	select {
	case c.Changed <- struct{}{}:
	default:
	}
}
