package tables

// File is one generated file.
type File struct {
	Path string // relative to the module's root
	Data []byte
}

// Generate makes every generated file in memory, from data/ and x/sys.
func Generate() ([]File, error) {
	dir, err := xsysDir()
	if err != nil {
		return nil, err
	}
	arches, err := readArches()
	if err != nil {
		return nil, err
	}
	ns, err := readNumbers(dir, arches)
	if err != nil {
		return nil, err
	}
	calls, err := readCalls(arches, ns)
	if err != nil {
		return nil, err
	}
	consts, err := readXsys(dir, arches)
	if err != nil {
		return nil, err
	}
	if err := consts.overlay(arches, "constants.tsv"); err != nil {
		return nil, err
	}
	if err := consts.overlay(arches, "corrections.tsv"); err != nil {
		return nil, err
	}
	more, err := readNotes()
	if err != nil {
		return nil, err
	}
	zcalls, err := formatCalls(arches, ns, calls, more)
	if err != nil {
		return nil, err
	}
	znotes, err := formatNotes(arches, calls, more)
	if err != nil {
		return nil, err
	}
	zconst, err := formatNames(arches, consts.values, "Const")
	if err != nil {
		return nil, err
	}
	zerrno, err := formatNames(arches, consts.errnos, "ErrnoName")
	if err != nil {
		return nil, err
	}
	return []File{
		{"dsl/sys/zcalls.go", zcalls},
		{"dsl/linux/zconst.go", zconst},
		{"dsl/linux/zerrno.go", zerrno},
		{"gen/internal/abi/numbers.tsv", formatNumbers(arches, ns)},
		{"gen/internal/abi/args.tsv", formatArgs(arches, ns, calls)},
		{"gen/internal/abi/notes.tsv", znotes},
		{"gen/internal/abi/consts.tsv", formatValues(arches, consts.values)},
		{"gen/internal/abi/errnos.tsv", formatValues(arches, consts.errnos)},
	}, nil
}
