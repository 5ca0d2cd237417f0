//go:build race

package wire

// underRace is how many allocations the race detector adds per DynamoDB record.
const underRace = 1
