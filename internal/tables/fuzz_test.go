package tables

import (
	"reflect"
	"strings"
	"testing"
)

// FuzzParse: rows have all columns, and written down again they are read the same.
func FuzzParse(f *testing.F) {
	f.Add("# a comment\nname\tabis\tvalue\nMSG_OOB\t*\t1\n\nO_CREAT\tmips\t-\n")
	f.Add("name\tabis\tvalue")
	f.Add("name\tabis\nvalue\t\t\n")
	f.Fuzz(func(t *testing.T, text string) {
		columns := []string{"name", "abis", "value"}
		rs, err := parse("fuzz.tsv", text, columns)
		if err != nil {
			return
		}
		again := strings.Join(columns, "\t") + "\n"
		for _, r := range rs {
			if len(r) != len(columns) {
				t.Fatalf("a row of %q", r)
			}
			again += strings.Join(r, "\t") + "\n"
		}
		if got, err := parse("again.tsv", again, columns); err != nil || !reflect.DeepEqual(got, rs) {
			t.Fatalf("%q came back as %q, %v", rs, got, err)
		}
	})
}
