package estimate

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Markdown writes the rows as a table, as it stands in a DESIGN.md.
func Markdown(rows []Row) string {
	var b strings.Builder
	b.WriteString("| figure | value | from |\n|---|---:|---|\n")
	for _, r := range rows {
		name, text := r.Name, r.Text
		from := r.Source
		switch r.Kind {
		case Derived:
			from = r.Formula
		case Slip:
			name, text, from = "~~"+name+"~~", "~~"+text+"~~", r.Formula+" — wrong: "+r.Source
		}
		fmt.Fprintf(&b, "| %s | %s | %s |\n", name, text, strings.ReplaceAll(from, "|", "\\|"))
	}
	return b.String()
}

// scales are the units that a large or small value is rewritten in.
var scales = map[dims][]Unit{
	Byte.dims:          {TB.of("PB", 1e3), TB, GB, MB, KB, Byte},
	BytePerSecond.dims: {MBPerSecond.of("GB/s", 1e3), MBPerSecond, MBPerSecond.of("kB/s", 1e-3), BytePerSecond},
}

func (u Unit) of(name string, times float64) Unit { return Unit{name, u.size * times, u.dims} }

// written returns a value with its unit: three digits that count, thousands
// apart, bytes in the unit that keeps them short.
func written(value float64, unit Unit) string {
	if candidates, ok := scales[unit.dims]; ok && !strings.Contains(unit.name, "bit") {
		for _, u := range candidates {
			if scaled := value * unit.size / u.size; math.Abs(scaled) >= 1 {
				return number(scaled) + " " + u.name
			}
		}
	}
	switch {
	case unit.name == "":
		return number(value)
	case strings.HasPrefix(unit.name, "$"):
		return "$" + number(value) + strings.TrimPrefix(unit.name, "$")
	case unit.name == "×" || unit.name == "%":
		return number(value) + unit.name
	case value == 1:
		return "1 " + singular(unit.name)
	default:
		return number(value) + " " + unit.name
	}
}

// singular is the name of one: "month" of months, but "ms" of ms.
func singular(name string) string {
	if len(name) > 2 {
		return strings.TrimSuffix(name, "s")
	}
	return name
}

// number writes three significant digits, with all of a whole number's below
// a million; above it says "million", "billion" or a power of ten.
func number(v float64) string {
	abs := math.Abs(v)
	switch {
	case v == math.Trunc(v) && abs < 1e6:
		return thousands(strconv.FormatFloat(v, 'f', 0, 64))
	case abs >= 1e15:
		return strconv.FormatFloat(v, 'g', 3, 64)
	case abs >= 1e12:
		return significant(v/1e12) + " trillion"
	case abs >= 1e9:
		return significant(v/1e9) + " billion"
	case abs >= 1e6:
		return significant(v/1e6) + " million"
	default:
		return significant(v)
	}
}

func significant(v float64) string {
	if v == 0 {
		return "0"
	}
	digits := 2 - int(math.Floor(math.Log10(math.Abs(v))))
	if digits < 0 {
		factor := math.Pow(10, float64(-digits))
		return thousands(strconv.FormatFloat(math.Round(v/factor)*factor, 'f', 0, 64))
	}
	text := strconv.FormatFloat(v, 'f', digits, 64)
	if strings.Contains(text, ".") {
		text = strings.TrimRight(strings.TrimRight(text, "0"), ".")
	}
	return thousands(text)
}

func thousands(digits string) string {
	whole, fraction, _ := strings.Cut(digits, ".")
	start := 0
	if strings.HasPrefix(whole, "-") {
		start = 1
	}
	for i := len(whole) - 3; i > start; i -= 3 {
		whole = whole[:i] + "," + whole[i:]
	}
	if fraction != "" {
		return whole + "." + fraction
	}
	return whole
}
