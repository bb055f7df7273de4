// Package axe carries axe-core, the accessibility checker that browser tests
// run inside the page. It is a package of its own so that no process that
// serves pages carries it too.
package axe

import _ "embed"

// Script defines the global `axe` when a page evaluates it.
//
//go:embed axe.min.js
var Script string
