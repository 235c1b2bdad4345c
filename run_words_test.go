package imagefs

import (
	"net"
	"testing"

	"github.com/imagefs/imagefs/builder/runner"
)

// TestFreePorts: of a range the first that is free is taken, once.
func TestFreePorts(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	taken := l.Addr().(*net.TCPAddr).Port
	all := runner.Port{HostIP: "127.0.0.1", Host: taken, HostLast: min(taken+20, 65535), Container: 80, Protocol: "tcp"}
	got, err := freePorts([]runner.Port{all, all, {HostIP: "127.0.0.1", Container: 80, Protocol: "tcp"}})
	if err != nil {
		t.Fatal(err)
	}
	for i, p := range got {
		if p.Host <= 0 || p.Host == taken || p.HostLast != 0 || i < 2 && p.Host > all.HostLast {
			t.Errorf("%d: %+v of %+v", i, p, all)
		}
	}
	if got[0].Host == got[1].Host {
		t.Errorf("%d was chosen twice", got[0].Host)
	}
	all.HostLast = 0
	if _, err := freePorts([]runner.Port{all}); KindOf(err) != InUse {
		t.Error(err)
	}
}
