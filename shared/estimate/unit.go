package estimate

import "fmt"

// dims are the exponents of the base units: bytes per second is {1, -1, …}.
type dims [5]int8

// The base units, in the order of dims.
const (
	inBytes = iota
	inSeconds
	inDollars
	inCores
	inConnections
)

var baseNames = [len(dims{})]string{"bytes", "s", "$", "cores", "connections"}

func (d dims) times(o dims) dims {
	for i := range d {
		d[i] += o[i]
	}
	return d
}

func (d dims) inverse() dims {
	for i := range d {
		d[i] = -d[i]
	}
	return d
}

func (d dims) String() string {
	text := ""
	for i, exponent := range d {
		switch {
		case exponent == 0:
		case exponent == 1:
			text += " " + baseNames[i]
		default:
			text += fmt.Sprintf(" %s^%d", baseNames[i], exponent)
		}
	}
	if text == "" {
		return "a plain number"
	}
	return text[1:]
}

// A Unit is how a quantity is written: its name, what it measures, and how
// many base units one of it is.
type Unit struct {
	name string
	size float64 // in base units
	dims dims
}

// String returns the unit's name as it is printed, "links" having none.
func (u Unit) String() string { return u.name }

// Over returns the unit of u divided by o, "$/GB".
func (u Unit) Over(o Unit) Unit {
	return Unit{u.name + "/" + singular(o.name), u.size / o.size, u.dims.times(o.dims.inverse())}
}

// Seconds in the longer spans. A month is a twelfth of a year of 365 days.
const (
	day   = 86_400
	year  = 365 * day
	month = year / 12
)

// The units that sheets use. Bytes are decimal: 1 GB is 10^9 bytes.
var (
	Count = Unit{"", 1, dims{}}
	Ratio = Unit{"×", 1, dims{}}
	// Percent is a plain number, written as hundredths.
	Percent = Unit{"%", 0.01, dims{}}

	Millisecond = Unit{"ms", 1e-3, dims{inSeconds: 1}}
	Second      = Unit{"s", 1, dims{inSeconds: 1}}
	Day         = Unit{"days", day, dims{inSeconds: 1}}
	Month       = Unit{"months", month, dims{inSeconds: 1}}
	Year        = Unit{"years", year, dims{inSeconds: 1}}

	PerSecond = Unit{"/s", 1, dims{inSeconds: -1}}
	PerDay    = Unit{"/day", 1.0 / day, dims{inSeconds: -1}}
	PerMonth  = Unit{"/month", 1.0 / month, dims{inSeconds: -1}}

	Byte = Unit{"B", 1, dims{inBytes: 1}}
	KB   = Unit{"kB", 1e3, dims{inBytes: 1}}
	MB   = Unit{"MB", 1e6, dims{inBytes: 1}}
	GB   = Unit{"GB", 1e9, dims{inBytes: 1}}
	TB   = Unit{"TB", 1e12, dims{inBytes: 1}}

	BytePerSecond = Unit{"B/s", 1, dims{inBytes: 1, inSeconds: -1}}
	MBPerSecond   = Unit{"MB/s", 1e6, dims{inBytes: 1, inSeconds: -1}}
	MbitPerSecond = Unit{"Mbit/s", 1e6 / 8, dims{inBytes: 1, inSeconds: -1}}

	Dollar         = Unit{"$", 1, dims{inDollars: 1}}
	DollarPerMonth = Unit{"$/month", 1.0 / month, dims{inDollars: 1, inSeconds: -1}}
	DollarPerGB    = Dollar.Over(GB)

	Core       = Unit{"cores", 1, dims{inCores: 1}}
	Connection = Unit{"connections", 1, dims{inConnections: 1}}
)
