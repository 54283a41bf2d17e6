package tests

import (
	"strings"
	"testing"
	"text/tabwriter"
)

// A table is a text with aligned columns, for what a test prints.
type table struct {
	text strings.Builder
	rows *tabwriter.Writer
}

// newTable returns a table with a heading.
func newTable(columns ...string) *table {
	var t table
	t.rows = tabwriter.NewWriter(&t.text, 0, 8, 2, ' ', tabwriter.AlignRight)
	t.add(columns...)
	return &t
}

func (t *table) add(cells ...string) {
	_, _ = t.rows.Write([]byte(strings.Join(cells, "\t") + "\t\n")) // into memory
}

func (t *table) log(test *testing.T, about string) {
	test.Helper()
	must(test, t.rows.Flush())
	test.Logf("%s:\n%s", about, &t.text)
}
