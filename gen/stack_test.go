package gen

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/secgen-dev/secgen/dsl"
	"github.com/secgen-dev/secgen/gen/internal/abi"
	"github.com/secgen-dev/secgen/gen/internal/explain"
	"github.com/secgen-dev/secgen/gen/internal/file"
	"github.com/secgen-dev/secgen/gen/internal/kernel"
	"github.com/secgen-dev/secgen/gen/internal/table"
)

// What is said of a stack is what its filters answer if each is run, on a call of
// which some arguments are known.
func TestStacksAnswerAsTheKernelDoes(t *testing.T) {
	arch := abi.Lookup("amd64")
	rapid.Check(t, func(t *rapid.T) {
		var pieces [][]Filter
		for i := range rapid.IntRange(2, 4).Draw(t, "filters") {
			program := compileTable(t, drawTable(byRapid(t), 6))
			pieces = append(pieces, []Filter{{Policy: fmt.Sprint(i + 1), Arches: []dsl.Arch{dsl.AMD64}, Program: program}})
		}
		joint, err := Stack(pieces...)
		if err != nil {
			t.Fatal(err)
		}
		data := [16]uint32{table.Nr: rapid.SampledFrom(numbers).Draw(t, "nr"), table.Arch: arch.Audit}
		for w := 4; w < len(data); w++ {
			data[w] = uint32(drawValue(byRapid(t), 32))
		}
		words := []string{fmt.Sprint(int32(data[table.Nr]))}
		known := rapid.IntRange(0, 6).Draw(t, "known")
		for slot := range known {
			words = append(words, fmt.Sprintf("args[%d]=%#x", slot, uint64(data[5+2*slot])<<32|uint64(data[4+2*slot])))
		}
		c, err := explain.Parse(arch, words)
		if err != nil {
			t.Fatal(err)
		}
		e, err := joint[0].explain(c)
		if err != nil {
			t.Fatal(err)
		}

		decides, answer := 0, uint32(0)
		cached := true
		for i, p := range pieces {
			ret, _ := kernel.Run(p[0].Program, data)
			if i == 0 || int32(ret&0xffff0000) < int32(answer&0xffff0000) {
				decides, answer = i+1, ret
			}
			cached = cached && kernel.Cached(p[0].Program, arch.Audit, data[table.Nr])
		}
		text := file.ReturnText(arch, answer)
		if !slices.ContainsFunc(e.Verdicts, func(v Verdict) bool { return v.Action == text }) {
			t.Errorf("the filters answer %s, which is not in %v", text, e.Verdicts)
		}
		if (!e.Assumed || known == 6) && e.Decides != decides {
			t.Errorf("filter %d decides, not %d", decides, e.Decides)
		}
		if e.Assumed && known == 6 {
			t.Error("it is said to depend on what is not known")
		}
		if e.Cached && (!cached || answer != 0x7fff0000) {
			t.Error("the cache does not answer it")
		}
		if len(e.Filters) != len(pieces) {
			t.Errorf("%d filters explain themselves, not %d", len(e.Filters), len(pieces))
		}
	})
}
