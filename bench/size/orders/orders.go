// Package orders has the work of all functions whose binaries are compared.
package orders

import (
	"context"
	"errors"
)

// Order is the content of a message.
type Order struct {
	ID    string `json:"id"`
	Total int64  `json:"total"`
}

var errRefused = errors.New("refused")

// Accept takes an order.
func Accept(_ context.Context, o Order) error {
	if o.Total < 0 {
		return errRefused
	}
	return nil
}
