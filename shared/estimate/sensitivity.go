package estimate

import (
	"cmp"
	"fmt"
	"math"
	"slices"
)

// An Effect is how much an input moves a row.
type Effect struct {
	Input string `json:"input"`
	// Elasticity is by how many per cent the row changes when the input grows
	// by one per cent: 1 is in proportion, 0 not at all.
	Elasticity float64 `json:"elasticity"`
	// Swing is the row at the input's highest plausible value over the row at
	// its lowest: how much the doubt about this input is worth. It is 0 where the
	// row has no value at one of them, or is nothing at the lowest.
	Swing float64 `json:"swing"`
}

// Sensitivity returns the inputs that move the named row, the one that moves
// it most first.
func (s *Sheet) Sensitivity(name string, set map[string]float64) ([]Effect, error) {
	in, err := s.with(set)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(s.rows, func(r row) bool { return r.Name == name })
	if i < 0 {
		return nil, fmt.Errorf("sheet %q has no row %q", s.Title, name)
	}
	answer := s.rows[i].expr.value
	at := func(input string, value float64) float64 {
		old := in[input]
		in[input] = value
		defer func() { in[input] = old }()
		return answer(in)
	}
	const step = 0.25 // wide enough to move rows that are rounded up
	var effects []Effect
	for _, r := range s.rows {
		if r.Kind != Input && r.Kind != Measured {
			continue
		}
		value, size := in[r.Name], r.unit.size
		up, down := at(r.Name, value*(1+step)), at(r.Name, value/(1+step))
		if up == down || up <= 0 || down <= 0 || math.IsInf(up/down, 0) || math.IsNaN(up/down) {
			continue
		}
		swing := at(r.Name, r.High*size) / at(r.Name, r.Low*size)
		if math.IsInf(swing, 0) || math.IsNaN(swing) {
			swing = 0
		}
		effects = append(effects, Effect{Input: r.Name, Elasticity: math.Log(up/down) / (2 * math.Log(1+step)), Swing: swing})
	}
	slices.SortStableFunc(effects, func(a, b Effect) int {
		return cmp.Compare(math.Abs(b.Elasticity), math.Abs(a.Elasticity))
	})
	return effects, nil
}
