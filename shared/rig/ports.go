package rig

import "designkits/shared/hold"

// ports are those that a case has taken. No other case is given one of them meanwhile.
type ports struct{ releases []func() }

// take finds a port that nobody listens on, and holds it until release.
func (p *ports) take() (address string, err error) {
	address, release, err := hold.Port()
	if err == nil {
		p.releases = append(p.releases, release)
	}
	return address, err
}

func (p *ports) release() {
	for _, release := range p.releases {
		release()
	}
	p.releases = nil
}
