package tests

import (
	"strings"
	"syscall"
	"testing"
)

// gunicorn's access log goes to standard output, what the shop logs to standard error:
// each has files of its own, and nothing is lost or in the wrong ones when it stops.
func TestStderrOfGunicorn(t *testing.T) {
	needs(t, map[string]string{"gunicorn": "gunicorn"})
	needDjango(t)
	s := newShop(t)
	s.open(t, logreel, "--stderr="+s.logs+"/error-"+everySecond, s.logs+"/access-"+everySecond, "--",
		"gunicorn", "--workers=2", "--bind="+s.address, "--access-logfile=-", "shop.wsgi")
	const visits = 100
	for i := range visits {
		s.pay("payment-"+string(rune('a'+i%26)), 2_000)
	}
	sendSignal(t, s.server.Process.Pid, syscall.SIGTERM)
	s.awaitEnd(t)
	d := s.files(t)
	access, failed := d.content("access-*"), d.content("error-*")
	for line := range strings.Lines(access) {
		if !strings.Contains(line, `"GET /`) && !strings.HasPrefix(line, "printed ") {
			t.Errorf("in the access log: %.200q", line)
		}
	}
	if got := strings.Count(access, `"GET /pay/`); got != visits {
		t.Errorf("%d visits in the access log, want %d", got, visits)
	}
	if strings.Contains(failed, `"GET /`) {
		t.Error("a visit among the errors")
	}
	if got := strings.Count(failed, "Internal Server Error: /pay/"); got != visits {
		t.Errorf("%d errors, want %d", got, visits)
	}
}
