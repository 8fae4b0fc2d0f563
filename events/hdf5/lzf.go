package hdf5

import "errors"

var errLZ = errors.New("does not unpack: the packed bytes are damaged")

// unlzf decodes the format of Marc Lehmann's LibLZF. A control byte below 32 is
// followed by that many bytes and one more; else its upper 3 bits are a length
// (7: a byte to add follows), and its lower 5, with the next byte, a distance:
// length+2 bytes from distance+1 bytes ago.
func unlzf(out, in []byte) ([]byte, error) {
	o := 0
	for i := 0; i < len(in); {
		control := int(in[i])
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
		if n == 7 && i < len(in) {
			n += int(in[i])
			i++
		}
		if i == len(in) {
			return nil, errLZ
		}
		distance := control&31<<8 | int(in[i]) + 1
		i++
		var ok bool
		if o, ok = repeat(out, o, distance, n+2); !ok {
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
	if distance >= n {
		copy(out[o:o+n], out[o-distance:])
		return o + n, true
	}
	for end := o + n; o < end; {
		// The pattern doubles with each copy.
		o += copy(out[o:end], out[o-distance:o])
	}
	return o, true
}
