//go:build !linux

package process

import (
	"context"
	"errors"
)

// Filters returns an error: there are no such filters on this system.
func Filters(context.Context, int) (newest []Filter, remark string, err error) {
	return nil, "", errors.New("this needs Linux")
}
