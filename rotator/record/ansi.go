package record

import "bytes"

const (
	escape = 0x1b
	// maxSequence is the most that a control sequence has. What is longer is text: no
	// terminal waits for ever either, and as much may have to be held back.
	maxSequence = 64 << 10
)

// control returns the length of the control sequence of terminals that a text begins
// with, the first byte of which is an escape; 0 if it only looks like one. Cut says that
// the text ends before that can be told.
//
// Sequences are those of ECMA-48 in 7 bits: control sequences (ESC [, such as colours),
// control strings (ESC ] and others, which set a title or make a link; BEL ends ESC ] too,
// as in xterm), and escapes of two bytes or, with intermediate ones, more. None has a
// newline in it, so one that is not finished takes no other line with it. Bytes from 0x80
// on are text: they belong to UTF-8.
func control(text []byte) (length int, cut bool) {
	within := text[:min(len(text), maxSequence)]
	length, cut = parse(within)
	return length, cut && len(within) == len(text) && len(text) < maxSequence
}

// parse does the work of control.
func parse(text []byte) (length int, cut bool) {
	if len(text) < 2 {
		return 0, true
	}
	at, first := 2, byte('0') // of the bytes that a sequence ends with
	switch c := text[1]; {
	case c == '[':
		at, first = behind(text, at, '0', '?'), '@'
	case isString(text):
		return parseString(text)
	case ' ' <= c && c <= '/':
		at = 1
	case '0' <= c && c <= '~':
		return 2, false
	default:
		return 0, false
	}
	at = behind(text, at, ' ', '/')
	switch {
	case at == len(text):
		return 0, true
	case first <= text[at] && text[at] <= '~':
		return at + 1, false
	}
	return 0, false
}

// behind returns where the bytes from first to last end that begin at a place.
func behind(text []byte, at int, first, last byte) int {
	for at < len(text) && first <= text[at] && text[at] <= last {
		at++
	}
	return at
}

// isString reports whether a sequence is a control string.
func isString(text []byte) bool {
	return len(text) > 1 && bytes.IndexByte([]byte("]PX^_"), text[1]) >= 0
}

// parseString is parse for a control string.
func parseString(text []byte) (length int, cut bool) {
	for at := 2; at < len(text); at++ {
		switch text[at] {
		case '\a':
			if text[1] == ']' {
				return at + 1, false
			}
		case escape:
			switch {
			case at+1 == len(text):
				return 0, true
			case text[at+1] == '\\':
				return at + 2, false
			}
			return 0, false // another sequence cuts it off
		case '\n', 0x18, 0x1a: // the latter two cancel it
			return 0, false
		}
	}
	return 0, true
}

// eachControl calls f for each control sequence of a text, with what is before it, and with
// what is behind the last. It returns what may be the beginning of one.
func eachControl(text []byte, f func(before, control []byte)) (cut []byte) {
	begin := 0
	for at := 0; ; {
		i := bytes.IndexByte(text[at:], escape)
		if i < 0 {
			break
		}
		at += i
		length, isCut := control(text[at:])
		switch {
		case isCut:
			text, cut = text[:at], text[at:]
		case length == 0:
			at++
		default:
			f(text[begin:at], text[at:at+length])
			at += length
			begin = at
		}
	}
	if begin < len(text) {
		f(text[begin:], nil)
	}
	return cut
}
