package pattern

import (
	"fmt"
	"os"
	"strings"
	"time"
	_ "time/tzdata" // so that zones are known where the system has no database
)

// LoadZone returns a zone of the IANA database by its name, such as
// "Europe/Berlin". The empty name means the local zone: that of the environment
// variable TZ or else of the system. An unknown zone is an error, never UTC.
func LoadZone(name string) (*time.Location, error) {
	if name == "" {
		return localZone()
	}
	zone, err := time.LoadLocation(name)
	if err != nil || name == "Local" {
		return nil, fmt.Errorf("--tz=%s: no such zone; write a name such as Europe/Berlin or UTC", name)
	}
	return zone, nil
}

// localZone returns time.Local, which package time silently makes UTC when it
// cannot load what TZ or /etc/localtime name.
func localZone() (*time.Location, error) {
	if time.Local.String() != "UTC" {
		return time.Local, nil
	}
	tz, set := os.LookupEnv("TZ")
	if name := strings.TrimPrefix(tz, ":"); set && name != "" && name != "UTC" {
		return nil, fmt.Errorf("TZ=%s: no such zone; set TZ to a name such as Europe/Berlin or UTC, or give --tz", tz)
	}
	if _, err := os.Stat("/etc/localtime"); !set && err == nil {
		return nil, fmt.Errorf("/etc/localtime cannot be read as a zone; give --tz, such as --tz=Europe/Berlin")
	}
	return time.Local, nil
}
