package e2e
import ("testing";"time")
func TestImages(t *testing.T){ s:=time.Now(); t.Log(busybox(t), time.Since(s)); t.Log(debian(t), time.Since(s)) }
