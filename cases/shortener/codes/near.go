package codes

// Near returns n other codes around this one in the order of the alphabet: what
// somebody would try who has one code and takes it for a number.
func Near(code string, n int) ([]string, error) {
	own, err := parseBase62(code)
	if err != nil {
		return nil, err
	}
	near := make([]string, 0, n)
	for distance := uint64(1); len(near) < n; distance++ {
		near = append(near, formatBase62((own+distance)%Space), formatBase62((own+Space-distance)%Space))
	}
	return near[:n], nil
}
