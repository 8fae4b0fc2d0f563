package await

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
)

func TestDo(t *testing.T) {
	if v, err := Do(context.Background(), "a", func() (int, error) { return 3, nil }); v != 3 || err != nil {
		t.Errorf("%d, %v", v, err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	wait := make(chan int)
	v, err := Do(ctx, "a pipe", func() (int, error) { return <-wait, nil })
	if v != 0 || !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "a pipe") {
		t.Errorf("%d, %v", v, err)
	}
	wait <- 3 // what waits does end
}

// What comes too late is closed.
func TestLateIsClosed(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	r, w := io.Pipe()
	wait := make(chan struct{})
	if _, err := Do(ctx, "a pipe", func() (*io.PipeReader, error) { <-wait; return r, nil }); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	close(wait)
	if _, err := w.Write([]byte("x")); !errors.Is(err, io.ErrClosedPipe) {
		t.Error(err)
	}
}

// A panic reaches whoever waits, with the place where it began.
func TestPanic(t *testing.T) {
	defer func() {
		p, ok := recover().(*Panic)
		if !ok || p.Value != "broken" || !strings.Contains(p.Error(), "breaks") {
			t.Errorf("%v", p)
		}
	}()
	Done(context.Background(), "a", breaks)
}

func breaks() error { panic("broken") }
