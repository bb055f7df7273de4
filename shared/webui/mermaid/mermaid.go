// Package mermaid carries Mermaid, which draws the diagrams of a design doc in
// the browser. It is a package of its own so that only the process that shows
// design docs carries its three megabytes.
package mermaid

import _ "embed"

// Version is that of Script.
const Version = "11.17.2"

// Script defines the global `mermaid` when a page loads it.
//
//go:embed mermaid.min.js
var Script []byte
