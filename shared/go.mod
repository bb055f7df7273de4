module designkits/shared

go 1.26.0
