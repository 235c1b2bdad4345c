package names

import "context"

// interruptible returns a context that ends when cancel is closed, or with end.
func interruptible(cancel <-chan struct{}) (ctx context.Context, end func()) {
	ctx, end = context.WithCancel(context.Background())
	go func() {
		select {
		case <-ctx.Done():
		case <-cancel:
			end()
		}
	}()
	return ctx, end
}
