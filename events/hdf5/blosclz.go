package hdf5

// unbloscLZ decodes blosc's own codec, a FastLZ of level 2 (Ariya Hidayat). A
// control byte below 32 is followed by that many bytes and one more; else its
// upper 3 bits less one are a length (6: bytes to add follow, up to the first
// that is not 255), and its lower 5, with the next byte, a distance. The largest
// distance, 8191, stands for itself and 16 bits that follow, the higher first.
// Length+3 bytes come from distance+1 bytes ago. The first control byte holds
// the level in its upper bits, and bytes to copy follow it.
func unbloscLZ(out, in []byte) ([]byte, error) {
	const farthest = 8191
	o := 0
	for i := 0; i < len(in); {
		control := int(in[i])
		if i == 0 {
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
		n := control>>5 - 1
		if n == 6 {
			for more := 255; more == 255; i++ {
				if i == len(in) || n > len(out) {
					return nil, errLZ
				}
				more = int(in[i])
				n += more
			}
		}
		if i == len(in) {
			return nil, errLZ
		}
		distance := control&31<<8 + int(in[i])
		i++
		if distance == farthest {
			if len(in)-i < 2 {
				return nil, errLZ
			}
			distance += int(in[i])<<8 | int(in[i+1])
			i += 2
		}
		var ok bool
		if o, ok = repeat(out, o, distance+1, n+3); !ok {
			return nil, errLZ
		}
	}
	return out[:o], nil
}
