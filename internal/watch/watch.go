// Package watch runs a command under filters and tells which calls they do not
// plainly allow, while a supervisor does to those what the filters say.
package watch
