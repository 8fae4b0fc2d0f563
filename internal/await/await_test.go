package await

import (
	"context"
	"errors"
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
