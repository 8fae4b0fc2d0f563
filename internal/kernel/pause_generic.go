package kernel

// pause stands for a moment of waiting in a spinning loop.
func pause() {}
