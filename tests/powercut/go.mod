module github.com/logreel/logreel/tests/powercut

go 1.26.0

replace github.com/logreel/logreel => ../..

require (
	github.com/hanwen/go-fuse/v2 v2.12.1
	github.com/klauspost/compress v1.20.3
	github.com/logreel/logreel v0.0.0
	golang.org/x/sys v0.49.0
)

require github.com/lestrrat-go/strftime v1.2.0 // indirect
