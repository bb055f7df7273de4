package rig

import (
	"fmt"
	"os"
)

// RSS is the memory that a process of the case has resident, in bytes.
func (c *Case) RSS(name string) (int64, error) {
	p, err := c.process("memory of", name)
	if err != nil {
		return 0, err
	}
	return p.rss()
}

// RSS is the memory that the program has resident, in bytes.
func (p *Program) RSS() (int64, error) { return p.process.rss() }

// rss reads it where Linux has it.
func (p *process) rss() (int64, error) {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", p.cmd.Process.Pid))
	if err != nil {
		return 0, fmt.Errorf("memory of %s, which only Linux tells: %w", p.name, err)
	}
	var size, resident int64
	if _, err := fmt.Sscan(string(raw), &size, &resident); err != nil {
		return 0, fmt.Errorf("memory of %s: %q: %w", p.name, raw, err)
	}
	return resident * int64(os.Getpagesize()), nil
}
