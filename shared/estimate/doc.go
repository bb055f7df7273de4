// Package estimate is a capacity sheet as code: named inputs with their unit
// and source, and rows derived from them whose formula is shown.
//
//	s := estimate.New("URL shortener")
//	links := s.Input("new links", 8.5e6, estimate.PerDay, "Bitly 2023: 256 M a month")
//	ratio := s.Input("clicks per link", 39, estimate.Ratio, "same source")
//	clicks := s.Derive("clicks", links.Times(ratio), estimate.PerSecond)
//	node := s.Measured("redirects per node", "redirect-hit", estimate.PerSecond)
//	s.Derive("nodes", clicks.Over(node).WithHeadroom(0.6).RoundUp(), estimate.Count)
//
// A Sheet is a description, not a result: Evaluate calculates it, with other
// inputs where asked, so that a reader can play with the numbers and so that
// Sensitivity can tell which input moves the answer most.
//
// Units are checked when the sheet is built: adding bytes to seconds, or
// showing a rate in gigabytes, is an error of Evaluate that names the row.
// Counts (links, nodes, requests) have no unit of their own.
package estimate
