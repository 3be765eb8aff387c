package group

import (
	"slices"

	"github.com/secgen-dev/secgen/dsl"
	"github.com/secgen-dev/secgen/dsl/linux"
	"github.com/secgen-dev/secgen/dsl/sys"
)

// GoConn is what package net needs besides [GoRuntime] for sockets that are there:
// to accept connections, to read, write and set them up as net and net/http do,
// and to close them. io.Copy between connections, and from a file to one, goes by
// splice and sendfile. It makes no sockets but those that come in, and opens no
// file; http.ServeFile needs rules for that (openat, newfstatat, fstat, lseek,
// fcntl, getdents64).
//
// Seen with Go 1.26 on amd64; arm64's calls are the same in the source.
var GoConn = []dsl.Rule{
	dsl.Allow.For(sys.Accept4).When(
		sys.Accept4.Flags.Has(linux.SOCK_CLOEXEC, linux.SOCK_NONBLOCK),
		sys.Accept4.Flags.Only(linux.SOCK_CLOEXEC, linux.SOCK_NONBLOCK)),
	dsl.Allow.For(sys.Setsockopt).When(
		sys.Setsockopt.Level.Eq(linux.SOL_SOCKET),
		sys.Setsockopt.Optname.In(linux.SO_KEEPALIVE, linux.SO_LINGER, linux.SO_RCVBUF, linux.SO_SNDBUF)),
	dsl.Allow.For(sys.Setsockopt).When(
		sys.Setsockopt.Level.Eq(linux.SOL_TCP),
		sys.Setsockopt.Optname.In(linux.TCP_NODELAY, linux.TCP_KEEPIDLE, linux.TCP_KEEPINTVL, linux.TCP_KEEPCNT)),
	dsl.Allow.For(sys.Splice).When(sys.Splice.Flags.Eq(linux.SPLICE_F_NONBLOCK)),
	dsl.Allow.For(sys.Pipe2).When(sys.Pipe2.Flags.Only(linux.O_CLOEXEC, linux.O_NONBLOCK)),
	dsl.Allow.For(sys.Fcntl).When(sys.Fcntl.Cmd.Eq(linux.F_SETPIPE_SZ)),
	dsl.Allow.For(
		sys.Read, sys.Write, sys.Writev, sys.Sendfile,
		sys.Recvfrom, sys.Recvmsg, sys.Sendto, sys.Sendmsg,
		sys.Getsockname, sys.Getpeername, sys.Shutdown, sys.Close,
	),
}

// GoNet is what package net needs besides [GoRuntime] to listen, to dial and to
// look names up without cgo, with [GoConn] for what comes of it: TCP, UDP and unix
// sockets. Not in it are raw IP sockets, multicast, net.Interfaces and IPv6 zones
// (netlink), net.FileConn, and the unlinkat by which a unix listener removes its
// socket from the file system.
//
// It asks the kernel for MPTCP sockets first. Its configuration is read from files
// (/etc/resolv.conf, /etc/hosts, …), so files can be read, whichever; where only
// addresses are dialed, a rule before these that gives openat an errno does no
// harm. Seen with Go 1.26 on amd64; arm64's calls are the same in the source.
var GoNet = slices.Concat(GoConn, []dsl.Rule{
	dsl.Allow.For(sys.Socket).When(
		sys.Socket.Domain.In(linux.AF_INET, linux.AF_INET6, linux.AF_UNIX),
		sys.Socket.Type.Masked(linux.SOCK_TYPE_MASK).In(linux.SOCK_STREAM, linux.SOCK_DGRAM, linux.SOCK_SEQPACKET),
		sys.Socket.Protocol.In(linux.IPPROTO_IP, linux.IPPROTO_TCP, linux.IPPROTO_MPTCP)),
	dsl.Allow.For(sys.Setsockopt).When(
		sys.Setsockopt.Level.Eq(linux.SOL_SOCKET),
		sys.Setsockopt.Optname.In(linux.SO_REUSEADDR, linux.SO_BROADCAST)),
	dsl.Allow.For(sys.Setsockopt).When(
		sys.Setsockopt.Level.Eq(linux.SOL_IPV6),
		sys.Setsockopt.Optname.Eq(linux.IPV6_V6ONLY)),
	dsl.Allow.For(sys.Getsockopt).When(
		sys.Getsockopt.Level.Eq(linux.SOL_SOCKET),
		sys.Getsockopt.Optname.Eq(linux.SO_ERROR)),
	// The longest backlog depends on the kernel's version, which uname tells.
	dsl.Allow.For(sys.Bind, sys.Listen, sys.Connect, sys.Uname),

	readOnly,
	dsl.Allow.For(sys.Fcntl).When(sys.Fcntl.Cmd.In(linux.F_GETFL, linux.F_SETFL)),
	dsl.Allow.For(sys.Newfstatat, sys.Fstat),
})
