package hdf5

import "errors"

var errLZ = errors.New("does not unpack: the packed bytes are damaged")

// unlz decodes the formats of Marc Lehmann's LibLZF and, with more, of blosc's
// own codec, a FastLZ of level 2 (Ariya Hidayat). A control byte below 32 is
// followed by that many bytes and one more; else its upper 3 bits are a length (7: a
// byte to add follows, and with more another one after each of 255), and its lower 5, with the next byte, a
// distance: length+2 bytes from distance+1 bytes ago. With more, the largest distance, 8191, stands for
// itself and 16 bits that follow, the higher first, and the first control byte, which bytes to copy follow, holds the level in its
// upper bits.
func unlz(out, in []byte, more bool) ([]byte, error) {
	const farthest = 8191
	o := 0
	for i := 0; i < len(in); {
		control := int(in[i])
		if more && i == 0 {
			control &= 31
		}
		i++
		if control < 32 {
			n := control + 1
			if n > len(in)-i || n > len(out)-o {
				return nil, errLZ
			}
			copy(out[o:], in[i:i+n])
			i, o = i+n, o+n
			continue
		}
		n := control >> 5
		for add := n == 7; add && i < len(in); i++ {
			n += int(in[i])
			add = more && in[i] == 255
		}
		if i == len(in) {
			return nil, errLZ
		}
		distance := control&31<<8 | int(in[i])
		i++
		if more && distance == farthest {
			if len(in)-i < 2 {
				return nil, errLZ
			}
			distance += int(in[i])<<8 | int(in[i+1])
			i += 2
		}
		var ok bool
		if o, ok = repeat(out, o, distance+1, n+2); !ok {
			return nil, errLZ
		}
	}
	return out[:o], nil
}

// repeat copies n bytes from distance bytes before out[o] to it; they may
// overlap. It returns the end of the copy, and whether all of it is in out.
func repeat(out []byte, o, distance, n int) (int, bool) {
	if distance > o || n > len(out)-o {
		return o, false
	}
	for end := o + n; o < end; {
		// The pattern doubles with each copy.
		o += copy(out[o:end], out[o-distance:o])
	}
	return o, true
}
