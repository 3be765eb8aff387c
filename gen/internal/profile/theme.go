package profile

import (
	_ "embed"
	"slices"
	"strings"
	"sync"
)

//go:embed themes.tsv
var themesTable string

// theme is a section of a policy.
type theme struct {
	title string
	calls []string
}

var themes = sync.OnceValue(func() []theme {
	var list []theme
	for line := range strings.Lines(themesTable) {
		if !strings.HasPrefix(line, "#") {
			title, calls, _ := strings.Cut(line, "\t")
			list = append(list, theme{title, strings.Fields(calls)})
		}
	}
	return list
})

// themeOf is the section that a call belongs to: the last, if to none.
func themeOf(call string) int {
	i := slices.IndexFunc(themes(), func(t theme) bool { return slices.Contains(t.calls, call) })
	if i < 0 {
		i = len(themes()) - 1
	}
	return i
}
