// Command lab does what is done with the ticket sale rather than in it. The kit
// calls it.
package main

import "designkits/shared/lab"

func main() { lab.Main(lab.Case{}) }
