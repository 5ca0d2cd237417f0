package template

import "github.com/lambdabatch/batch/batchdoctor/diagnosis"

// namesDeadLetters reports whether a property of this name, in whatever resource, names a dead-letter queue or an on-failure
// destination: itself or by a property inside.
func namesDeadLetters(property string) bool {
	switch property {
	case "deadLetterTargetArn", // in the RedrivePolicy of a queue, a subscription or an event of SAM
		"DeadLetterConfig", // of a function, an event bus, a schedule, or a target of a rule
		"DeadLetterQueue",  // of a function of SAM
		"OnFailure":        // in the DestinationConfig of a mapping, an event of SAM or an EventInvokeConfig
		return true
	}
	return false
}

// findDeadLetters marks the queues to which something under n sends what it gives up. It gives up itself after so many
// steps, because aliases can make a small file a large tree.
func (t *template) findDeadLetters(n *node, named bool, steps *int) {
	if n == nil || *steps <= 0 {
		return
	}
	*steps--
	name, argument, isCall := n.function()
	switch {
	case name == "Fn::If" && argument != nil && len(argument.items) == 3:
		t.findDeadLetters(argument.items[1], named, steps)
		t.findDeadLetters(argument.items[2], named, steps)
		return
	case named && (isCall || n.kind == scalar):
		for _, queue := range t.queueIDs(t.resolve(n).text) {
			t.dead[queue] = true
		}
		return
	}
	for _, item := range n.items {
		t.findDeadLetters(item, named, steps)
	}
	for _, f := range n.fields {
		t.findDeadLetters(f.value, named || namesDeadLetters(f.key), steps)
	}
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
