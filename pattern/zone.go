package pattern

import (
	"fmt"
	"os"
	"strings"
	"time"
	_ "time/tzdata" // so that zones are known where the system has no database
)

// LoadZone returns a zone by what the C library takes for one in the environment variable
// TZ: a name of the IANA database such as "Europe/Berlin", the path of a file, or else a
// rule as POSIX has it, such as "CST-8". The empty name means the local zone: that of TZ
// or else of the system. An unknown zone is an error, never UTC.
func LoadZone(name string) (*time.Location, error) {
	if name == "" {
		return localZone()
	}
	if zone, ok := findZone(name); ok {
		return zone, nil
	}
	return nil, fmt.Errorf("--tz=%s: no such zone; write a name such as Europe/Berlin or UTC, or a rule such as CST-8", name)
}

// localZone returns the zone of TZ, or that of the system, which package time silently
// makes UTC when it cannot read it.
func localZone() (*time.Location, error) {
	if tz, set := os.LookupEnv("TZ"); set {
		if tz == "" || tz == ":" {
			return time.UTC, nil
		}
		if zone, ok := findZone(tz); ok {
			return zone, nil
		}
		return nil, fmt.Errorf("TZ=%s: no such zone; set TZ to a name such as Europe/Berlin or UTC, or to a rule such as CST-8, or give --tz", tz)
	}
	if _, err := os.Stat("/etc/localtime"); err == nil && time.Local.String() == "UTC" {
		return nil, fmt.Errorf("/etc/localtime cannot be read as a zone; give --tz, such as --tz=Europe/Berlin")
	}
	return time.Local, nil
}

// findZone looks for a zone where the C library does, in its order: a name that has a file
// in the database is that file's, even if it reads as a rule, as EST5EDT does.
func findZone(name string) (*time.Location, bool) {
	name = strings.TrimPrefix(name, ":")
	var zone *time.Location
	var err error
	switch {
	case strings.HasPrefix(name, "/"):
		var data []byte
		if data, err = os.ReadFile(name); err == nil {
			zone, err = time.LoadLocationFromTZData(name, data)
		}
	case name == "" || name == "Local": // which mean something else to package time
		return nil, false
	default:
		zone, err = time.LoadLocation(name)
	}
	if err == nil {
		return zone, true
	}
	return ruleZone(name)
}
