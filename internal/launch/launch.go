// Package launch starts a command under a filter that hands calls to a supervisor.
package launch
