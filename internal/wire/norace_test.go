//go:build !race

package wire

const underRace = 0
