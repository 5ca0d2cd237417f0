package template

import "github.com/lambdabatch/batch/batchdoctor/diagnosis"

// deadLetterProperties are the paths of the properties that name a dead-letter queue.
var deadLetterProperties = [][]string{
	{"RedrivePolicy", "deadLetterTargetArn"},                               // of a queue or a subscription
	{"DeadLetterConfig", "TargetArn"},                                      // of a function
	{"DeadLetterQueue", "TargetArn"},                                       // of a function of SAM
	{"DestinationConfig", "OnFailure", "Destination"},                      // of a mapping or an EventInvokeConfig
	{"EventInvokeConfig", "DestinationConfig", "OnFailure", "Destination"}, // of a function of SAM
}

// findDeadLetters marks the queues to which a resource sends what it gives up.
func (t *template) findDeadLetters(id string) {
	for _, path := range deadLetterProperties {
		t.markDead(t.property(id, path[0]), path[1:])
	}
}

// markDead marks the queues at the end of a path, under whatever condition.
func (t *template) markDead(n *node, path []string) {
	t.eachChoice(n, func(v value) {
		if len(path) > 0 {
			t.markDead(v.node.get(path[0]), path[1:])
			return
		}
		for _, queue := range t.queueIDs(v.text) {
			t.dead[queue] = true
		}
	})
}

// eachChoice calls f with each value that a node may have, in both branches of Fn::If.
func (t *template) eachChoice(n *node, f func(value)) {
	name, argument, isCall := n.function()
	if !isCall || name != "Fn::If" || argument == nil || len(argument.items) != 3 {
		f(t.resolve(n))
		return
	}
	if t.spend(""); t.steps > 0 {
		t.eachChoice(argument.items[1], f)
		t.eachChoice(argument.items[2], f)
	}
}

func (t *template) deadLetters(id string) diagnosis.Setting[bool] {
	if t.dead[id] {
		return diagnosis.Known(true)
	}
	return diagnosis.Unset[bool]()
}
