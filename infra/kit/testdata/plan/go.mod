module designkits/cases/plan

go 1.26.0

require designkits/shared v0.0.0

replace designkits/shared => ../../shared
