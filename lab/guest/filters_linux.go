package main

import (
	memcached "github.com/secgen-dev/secgen/example/memcached/filter"
	"github.com/secgen-dev/secgen/golden/actions"
	"github.com/secgen-dev/secgen/golden/args"
	"github.com/secgen-dev/secgen/golden/arm"
	"github.com/secgen-dev/secgen/golden/denylist"
	"github.com/secgen-dev/secgen/golden/everywhere"
	"github.com/secgen-dev/secgen/golden/list"
	"github.com/secgen-dev/secgen/golden/masks"
	"github.com/secgen-dev/secgen/golden/multiplexed"
	"github.com/secgen-dev/secgen/golden/newer"
	"github.com/secgen-dev/secgen/golden/notify"
	"github.com/secgen-dev/secgen/golden/numbers"
	"github.com/secgen-dev/secgen/golden/order"
	"github.com/secgen-dev/secgen/golden/plain"
	"github.com/secgen-dev/secgen/golden/stages"
	"github.com/secgen-dev/secgen/golden/wide"
	"github.com/secgen-dev/secgen/golden/x32"
	"github.com/secgen-dev/secgen/golden/x86"
)

// filters are those of all generated files that the lab examines.
var filters = map[string]filter{
	"example/memcached.Start":        memcached.Start,
	"example/memcached.Serve":        memcached.Serve,
	"example/memcached.Flip":         supervised{memcached.Flip},
	"example/memcached.StartFiles":   memcached.StartFiles,
	"example/memcached.ServeFiles":   memcached.ServeFiles,
	"example/memcached.FlipFiles":    supervised{memcached.FlipFiles},
	"golden/actions.Actions":         actions.Actions,
	"golden/args.Args":               args.Args,
	"golden/arm.Arm":                 arm.Arm,
	"golden/denylist.Denylist":       denylist.Denylist,
	"golden/everywhere.Everywhere":   everywhere.Everywhere,
	"golden/list.List":               list.List,
	"golden/masks.Masks":             masks.Masks,
	"golden/multiplexed.Multiplexed": multiplexed.Multiplexed,
	"golden/notify.Ask":              supervised{notify.Ask},
	"golden/notify.Hide":             notify.Hide,
	"golden/newer.Newer":             newer.Newer,
	"golden/numbers.Numbers":         numbers.Numbers,
	"golden/order.Order":             order.Order,
	"golden/plain.Plain":             plain.Plain,
	"golden/stages.Start":            stages.Start,
	"golden/stages.Serve":            stages.Serve,
	"golden/wide.Wide":               wide.Wide,
	"golden/x32.X32":                 x32.X32,
	"golden/x32.NoX32":               x32.NoX32,
	"golden/x86.X86":                 x86.X86,
}

// supervised is a filter that comes with a listener for its supervisor, which is
// not here. It stays open: to close it, a call would be needed.
type supervised struct {
	filter interface {
		InstallNotify() (int, error)
		InstallNotifyThread() (int, error)
	}
}

func (s supervised) Install() error {
	_, err := s.filter.InstallNotify()
	return err
}

func (s supervised) InstallThread() error {
	_, err := s.filter.InstallNotifyThread()
	return err
}
