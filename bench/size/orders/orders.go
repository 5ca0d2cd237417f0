// Package orders is what all functions of the comparison do.
package orders

import (
	"context"
	"errors"
)

// Order is what a message carries.
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
