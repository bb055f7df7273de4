// Package bench measures the messaging case side by side with its baselines:
// `kit bench messaging`. The figures of the last full run stand in results.json;
// DESIGN.md and the capacity sheet take theirs from there.
//
// Both sides of a comparison are processes of their own: the case's, as they
// ship, and cmd bare below this folder, the least that does the same. They get
// the same load from this process, which on a small machine takes a share of
// the cores, the same from either side.
package bench

import harness "designkits/shared/bench"

// All are the benches, in the order of the table.
var All = []harness.Bench{idle, oneToOne, storm, fanOut, encryption, soak}
