// Package await ends waiting with a context.
package await

import (
	"context"
	"fmt"
	"io"
	"reflect"
	"runtime/debug"
)

// Do is what f gives, or an error as soon as ctx ends: then f, which may wait for a pipe that nobody writes to, goes on alone until
// that ends, and what it gives is closed if it can be. A panic of f, while it is waited for, is one of Do.
func Do[T any](ctx context.Context, what string, f func() (T, error)) (T, error) {
	type result struct {
		value T
		err   error
		panic *Panic
	}
	done := make(chan result, 1)
	go func() {
		var r result
		defer func() {
			if v := recover(); v != nil {
				r.panic = NewPanic(v)
			}
			done <- r
		}()
		r.value, r.err = f()
	}()
	select {
	case r := <-done:
		if r.panic != nil {
			panic(r.panic)
		}
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

// Panic is a panic on its way from one goroutine to another.
type Panic struct {
	Value any
	Stack []byte // where it began
}

// NewPanic keeps what was recovered, with the stack of this goroutine; a Panic on its way stays as it is.
func NewPanic(v any) *Panic {
	if p, ok := v.(*Panic); ok {
		return p
	}
	return &Panic{v, debug.Stack()}
}

func (p *Panic) Error() string { return fmt.Sprintf("panic: %v\n\n%s", p.Value, p.Stack) }

// Done is Do of what gives nothing but an error.
func Done(ctx context.Context, what string, f func() error) error {
	_, err := Do(ctx, what, func() (struct{}, error) { return struct{}{}, f() })
	return err
}
