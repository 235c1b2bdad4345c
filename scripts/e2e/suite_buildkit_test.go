//go:build buildkit

package e2e

import "testing"

// TestBuildAsBuildKit is [TestBuildAsPeers] with a real buildkitd.
func TestBuildAsBuildKit(t *testing.T) {
	s := newSuite(t, buildKit(t))
	s.compare(s.inStore(newBuildKit, "theirs", "--builder", "buildkit"))
}
