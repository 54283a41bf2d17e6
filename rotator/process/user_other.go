//go:build !linux

package process

// giveUpCapabilities does nothing: this system has none.
func (u *User) giveUpCapabilities() error { return nil }
