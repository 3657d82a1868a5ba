//go:build tools

// Package tools pins the Go programs that the end-to-end tests run: versions that Debian 12's Go 1.19 builds.
package tools

import (
	_ "github.com/summerwind/h2spec/cmd/h2spec"
	_ "google.golang.org/grpc/interop/client"
	_ "google.golang.org/grpc/interop/server"
)
