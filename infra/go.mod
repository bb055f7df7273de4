module designkits/infra

go 1.26.0
