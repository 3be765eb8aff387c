package explain

import (
	"cmp"
	"slices"
)

// most is how many names are worth suggesting.
const most = 3

// near lists the names that someone may have meant, the closest first.
func near(text string, names []string) []string {
	var close []string
	for _, name := range names {
		if edits(text, name) <= max(1, len(text)/3) {
			close = append(close, name)
		}
	}
	slices.SortFunc(close, func(a, b string) int {
		return cmp.Or(cmp.Compare(edits(text, a), edits(text, b)), cmp.Compare(a, b))
	})
	return close[:min(most, len(close))]
}

// edits is the fewest letters to insert, delete or exchange on the way from a to
// b (Levenshtein).
func edits(a, b string) int {
	row := make([]int, len(b)+1) // for the part of a so far, and each part of b
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
