// Package await ends waiting with a context.
package await

import (
	"context"
	"fmt"
	"io"
	"reflect"
)

// Do is what f gives, or an error as soon as ctx ends: then f, which may wait for a pipe that nobody writes to, goes on alone until
// that ends, and what it gives is closed if it can be.
func Do[T any](ctx context.Context, what string, f func() (T, error)) (T, error) {
	type result struct {
		value T
		err   error
	}
	done := make(chan result, 1)
	go func() {
		value, err := f()
		done <- result{value, err}
	}()
	select {
	case r := <-done:
		return r.value, r.err
	case <-ctx.Done():
		var none T
		go func() {
			if late, ok := any((<-done).value).(io.Closer); ok && !reflect.ValueOf(late).IsZero() {
				late.Close()
			}
		}()
		return none, fmt.Errorf("interrupted at %s: %w", what, ctx.Err())
	}
}

// Done is Do of what gives nothing but an error.
func Done(ctx context.Context, what string, f func() error) error {
	_, err := Do(ctx, what, func() (struct{}, error) { return struct{}{}, f() })
	return err
}
