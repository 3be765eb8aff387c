// Package learn watches programs and records in a profile what they ask of the
// kernel.
package learn
