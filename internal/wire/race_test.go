//go:build race

package wire

// underRace is what the race detector adds to the allocations of a DynamoDB record.
const underRace = 1
