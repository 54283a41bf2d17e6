//go:build linux

package tests

import (
	"encoding/json"
	"fmt"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// These tests run the examples for containers.

// runFirst runs a command line as process 1, stops it while orders are in flight, and
// compares what is in a directory with what was answered.
func (s *shop) runFirst(t *testing.T, dir string, argv []string) {
	t.Helper()
	s.openExample(t, append([]string{"unshare", "--pid", "--fork", "--mount-proc"}, argv...)...)
	first := children(t, s.server.Process.Pid)
	if len(first) != 1 {
		t.Fatalf("processes under unshare: %d", first)
	}
	if status := readFile(t, fmt.Sprintf("/proc/%d/status", first[0])); !regexp.MustCompile(`(?m)^NSpid:.*\t1$`).MatchString(status) {
		t.Errorf("it is not process 1: %s", status)
	}
	s.orderUntilSwitched(t, dir)
	s.stopInFlight(t, func() { sendSignal(t, first[0], syscall.SIGTERM) })
	s.checkExample(t, dir, appServers[0].request)
}

func TestExampleDockerfile(t *testing.T) {
	t.Parallel()
	needShop(t, nil)
	needRoot(t, "unshare")
	s := newExample(t)
	text := example(t, "Dockerfile", everyPort, s.address, "/var/log/shop/%Y-%m-%d.log", s.logs+"/"+everySecond)
	var argv []string
	for _, instruction := range []string{"ENTRYPOINT ", "CMD "} {
		_, rest, _ := strings.Cut(text, "\n"+instruction)
		list, _, _ := strings.Cut(rest, "\n")
		var part []string
		if err := json.Unmarshal([]byte(list), &part); err != nil {
			t.Fatalf("%s: %v", instruction, err)
		}
		argv = append(argv, part...)
	}
	s.runFirst(t, ".", argv)
	// --tee
	if got, want := complaints(readFile(t, s.output.Name())), s.files(t).content("*.log"); got != want {
		t.Errorf("docker's log would be %q, and the files have %q", got, want)
	}
}

func TestExampleKubernetes(t *testing.T) {
	t.Parallel()
	needShop(t, nil)
	needRoot(t, "unshare")
	s := newExample(t)
	toJSON := exec.Command(python, "-c", "import sys, yaml, json; json.dump(yaml.safe_load(sys.stdin), sys.stdout)")
	toJSON.Stdin = strings.NewReader(example(t, "kubernetes.yaml", everyPort, s.address, "%Y-%m-%d.log", everySecond))
	out, err := toJSON.CombinedOutput()
	if err != nil {
		t.Skipf("%v %s; install python3-yaml (Debian)", err, out)
	}
	type labels map[string]string
	var deployment struct {
		Kind string
		Spec struct {
			Selector struct{ MatchLabels labels }
			Template struct {
				Metadata struct{ Labels labels }
				Spec     struct {
					Containers []struct {
						Env          []struct{ Name, Value string }
						Command      []string
						Args         []string
						VolumeMounts []struct{ Name, MountPath string }
					}
					Volumes []struct{ Name string }
				}
			}
		}
	}
	if err := json.Unmarshal(out, &deployment); err != nil {
		t.Fatal(err)
	}
	spec := deployment.Spec
	pod := spec.Template.Spec
	if deployment.Kind != "Deployment" || len(pod.Containers) != 1 || len(pod.Volumes) != 1 || len(pod.Containers[0].VolumeMounts) != 1 {
		t.Fatalf("got %+v", deployment)
	}
	if got, want := fmt.Sprint(spec.Template.Metadata.Labels), fmt.Sprint(spec.Selector.MatchLabels); got != want {
		t.Errorf("labels %s, want %s", got, want)
	}
	container := pod.Containers[0]
	mount := container.VolumeMounts[0]
	if mount.Name != pod.Volumes[0].Name || mount.MountPath != "/var/log/shop" {
		t.Errorf("mounted is %v, want %v in /var/log/shop", mount, pod.Volumes)
	}
	// Kubernetes replaces the names of what it sets; others stay as they are.
	values := []string{"/var/log/shop", s.logs}
	environment := []string{"env"}
	for _, variable := range container.Env {
		value := variable.Value
		if value == "" {
			value = "shop-0"
		}
		values = append(values, "$("+variable.Name+")", value)
		environment = append(environment, variable.Name+"="+value)
	}
	argv := slices.Concat(environment, container.Command, container.Args)
	for i := range argv {
		argv[i] = strings.NewReplacer(values...).Replace(argv[i])
	}
	s.runFirst(t, "shop-0", argv)
	s.checkSilent(t)
}
