module github.com/logreel/logreel

go 1.26.0

require (
	github.com/alecthomas/kong v1.17.0
	github.com/kballard/go-shellquote v0.0.0-20180428030007-95032a82bc51
	github.com/lestrrat-go/strftime v1.2.0
	golang.org/x/sys v0.49.0
)

require github.com/klauspost/compress v1.20.3

require (
	github.com/rogpeppe/go-internal v1.16.0
	golang.org/x/tools v0.26.0 // indirect
)
