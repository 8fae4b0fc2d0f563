package csv

import (
	"fmt"
	"io"
	"sync"
)

// ahead reads a stream in a goroutine, a few blocks before its caller.
type ahead struct {
	full  chan block
	empty chan []byte
	quit  chan struct{}
	done  sync.WaitGroup
	now   block // being handed out
	at    int
}

type block struct {
	data []byte
	err  error
}

func newAhead(in io.ReadCloser) *ahead {
	const blocks, size = 3, 1 << 18
	a := &ahead{full: make(chan block, blocks), empty: make(chan []byte, blocks), quit: make(chan struct{})}
	for range blocks {
		a.empty <- make([]byte, size)
	}
	a.done.Go(func() {
		defer in.Close()
		a.run(in)
	})
	return a
}

func (a *ahead) run(in io.Reader) {
	for {
		var buf []byte
		select {
		case buf = <-a.empty:
		case <-a.quit:
			return
		}
		n, err := readSome(in, buf)
		a.full <- block{buf[:n], err} // never blocks: there are no more buffers than places
		if err != nil {
			return
		}
	}
}

// readSome fills buf as far as the stream goes. A damaged stream is an error
// here even where its decoder panics.
func readSome(in io.Reader, buf []byte) (n int, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("damaged compressed data: %v", p)
		}
	}()
	for n < len(buf) && err == nil {
		var m int
		m, err = in.Read(buf[n:])
		n += m
	}
	if err != nil && err != io.EOF {
		err = fmt.Errorf("damaged compressed data: %w", err)
	}
	return n, err
}

func (a *ahead) Read(p []byte) (int, error) {
	for a.at == len(a.now.data) {
		if a.now.err != nil {
			return 0, a.now.err
		}
		if a.now.data != nil {
			a.empty <- a.now.data[:cap(a.now.data)]
		}
		a.now, a.at = <-a.full, 0
	}
	n := copy(p, a.now.data[a.at:])
	a.at += n
	return n, nil
}

func (a *ahead) close() {
	close(a.quit)
	a.done.Wait()
}
