module designkits/cases/echo

go 1.26.0
