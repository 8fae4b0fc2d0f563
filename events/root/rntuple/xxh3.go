package rntuple

import (
	"encoding/binary"
	"math/bits"
)

// secret is the default of XXH3.
var secret = [192]byte{
	0xb8, 0xfe, 0x6c, 0x39, 0x23, 0xa4, 0x4b, 0xbe, 0x7c, 0x01, 0x81, 0x2c, 0xf7, 0x21, 0xad, 0x1c, 0xde, 0xd4, 0x6d, 0xe9, 0x83, 0x90, 0x97, 0xdb,
	0x72, 0x40, 0xa4, 0xa4, 0xb7, 0xb3, 0x67, 0x1f, 0xcb, 0x79, 0xe6, 0x4e, 0xcc, 0xc0, 0xe5, 0x78, 0x82, 0x5a, 0xd0, 0x7d, 0xcc, 0xff, 0x72, 0x21,
	0xb8, 0x08, 0x46, 0x74, 0xf7, 0x43, 0x24, 0x8e, 0xe0, 0x35, 0x90, 0xe6, 0x81, 0x3a, 0x26, 0x4c, 0x3c, 0x28, 0x52, 0xbb, 0x91, 0xc3, 0x00, 0xcb,
	0x88, 0xd0, 0x65, 0x8b, 0x1b, 0x53, 0x2e, 0xa3, 0x71, 0x64, 0x48, 0x97, 0xa2, 0x0d, 0xf9, 0x4e, 0x38, 0x19, 0xef, 0x46, 0xa9, 0xde, 0xac, 0xd8,
	0xa8, 0xfa, 0x76, 0x3f, 0xe3, 0x9c, 0x34, 0x3f, 0xf9, 0xdc, 0xbb, 0xc7, 0xc7, 0x0b, 0x4f, 0x1d, 0x8a, 0x51, 0xe0, 0x4b, 0xcd, 0xb4, 0x59, 0x31,
	0xc8, 0x9f, 0x7e, 0xc9, 0xd9, 0x78, 0x73, 0x64, 0xea, 0xc5, 0xac, 0x83, 0x34, 0xd3, 0xeb, 0xc3, 0xc5, 0x81, 0xa0, 0xff, 0xfa, 0x13, 0x63, 0xeb,
	0x17, 0x0d, 0xdd, 0x51, 0xb7, 0xf0, 0xda, 0x49, 0xd3, 0x16, 0x55, 0x26, 0x29, 0xd4, 0x68, 0x9e, 0x2b, 0x16, 0xbe, 0x58, 0x7d, 0x47, 0xa1, 0xfc,
	0x8f, 0xf8, 0xb8, 0xd1, 0x7a, 0xd0, 0x31, 0xce, 0x45, 0xcb, 0x3a, 0x8f, 0x95, 0x16, 0x04, 0x28, 0xaf, 0xd7, 0xfb, 0xca, 0xbb, 0x4b, 0x40, 0x7e,
}

const (
	prime32a = 0x9E3779B1
	prime32b = 0x85EBCA77
	prime32c = 0xC2B2AE3D
	prime64a = 0x9E3779B185EBCA87
	prime64b = 0xC2B2AE3D27D4EB4F
	prime64c = 0x165667B19E3779F9
	prime64d = 0x85EBCA77C2B2AE63
	prime64e = 0x27D4EB2F165667C5
	mixA     = 0x165667919E3779F9
	mixB     = 0x9FB21C651E98DF25
)

func le32(b []byte) uint64 { return uint64(binary.LittleEndian.Uint32(b)) }
func le64(b []byte) uint64 { return binary.LittleEndian.Uint64(b) }

// key is word i bytes into the secret.
func key(i int) uint64 { return le64(secret[i:]) }

// xxh3 is the XXH3 hash of 64 bits without a seed (github.com/Cyan4973/xxHash, doc/xxhash_spec.md).
func xxh3(b []byte) uint64 {
	n := len(b)
	switch {
	case n == 0:
		return finish64(key(56) ^ key(64))
	case n <= 3:
		x := uint64(b[0])<<16 | uint64(b[n>>1])<<24 | uint64(b[n-1]) | uint64(n)<<8
		return finish64(x ^ (key(0)&0xffffffff ^ key(4)&0xffffffff))
	case n <= 8:
		x := le32(b[n-4:]) + le32(b)<<32 ^ (key(8) ^ key(16))
		x ^= bits.RotateLeft64(x, 49) ^ bits.RotateLeft64(x, 24)
		x *= mixB
		x ^= x>>35 + uint64(n)
		x *= mixB
		return x ^ x>>28
	case n <= 16:
		low, high := le64(b)^(key(24)^key(32)), le64(b[n-8:])^(key(40)^key(48))
		return finish3(uint64(n) + bits.ReverseBytes64(low) + high + fold(low, high))
	case n <= 128:
		sum := uint64(n) * prime64a
		for i := (n - 1) / 32; i >= 0; i-- {
			sum += mix(b[16*i:], 32*i) + mix(b[n-16*(i+1):], 32*i+16)
		}
		return finish3(sum)
	case n <= 240:
		return middle(b)
	}
	return long(b)
}

// middle is for 129 to 240 bytes.
func middle(b []byte) uint64 {
	n := len(b)
	sum := uint64(n) * prime64a
	for i := range 8 {
		sum += mix(b[16*i:], 16*i)
	}
	sum = finish3(sum)
	for i := 8; i < n/16; i++ {
		sum += mix(b[16*i:], 16*(i-8)+3)
	}
	return finish3(sum + mix(b[n-16:], 136-17))
}

const stripe = 64 // bytes

// long takes blocks of 16 stripes, after each of which the sums are scrambled.
func long(b []byte) uint64 {
	const block = 16 * stripe
	sums := [8]uint64{prime32c, prime64a, prime64b, prime64c, prime64d, prime32b, prime64e, prime32a}
	n := len(b)
	rest := b
	for ; len(rest) > block; rest = rest[block:] {
		accumulate(&sums, rest[:block], secret[:])
		for i := range sums {
			sums[i] = (sums[i] ^ sums[i]>>47 ^ key(128+8*i)) * prime32a
		}
	}
	accumulate(&sums, rest[:(len(rest)-1)/stripe*stripe], secret[:])
	accumulate(&sums, b[n-stripe:], secret[128-7:])
	sum := uint64(n) * prime64a
	for i := 0; i < 8; i += 2 {
		sum += fold(sums[i]^key(11+8*i), sums[i+1]^key(19+8*i))
	}
	return finish3(sum)
}

// accumulate adds stripes to the sums, each with a key 8 bytes on.
func accumulate(sums *[8]uint64, b, keys []byte) {
	a, c, d, e, f, g, h, i := sums[0], sums[1], sums[2], sums[3], sums[4], sums[5], sums[6], sums[7]
	for ; len(b) >= stripe && len(keys) >= stripe; b, keys = b[stripe:], keys[8:] {
		p, k := (*[stripe]byte)(b), (*[stripe]byte)(keys)
		a, c = pair(a, c, le64(p[0:]), le64(p[8:]), le64(k[0:]), le64(k[8:]))
		d, e = pair(d, e, le64(p[16:]), le64(p[24:]), le64(k[16:]), le64(k[24:]))
		f, g = pair(f, g, le64(p[32:]), le64(p[40:]), le64(k[32:]), le64(k[40:]))
		h, i = pair(h, i, le64(p[48:]), le64(p[56:]), le64(k[48:]), le64(k[56:]))
	}
	*sums = [8]uint64{a, c, d, e, f, g, h, i}
}

func pair(a, b, x, y, k, l uint64) (uint64, uint64) {
	p, q := x^k, y^l
	return a + y + (p&0xffffffff)*(p>>32), b + x + (q&0xffffffff)*(q>>32)
}

func mix(b []byte, at int) uint64 { return fold(le64(b)^key(at), le64(b[8:])^key(at+8)) }

func fold(a, b uint64) uint64 {
	high, low := bits.Mul64(a, b)
	return high ^ low
}

func finish64(x uint64) uint64 {
	x = (x ^ x>>33) * prime64b
	x = (x ^ x>>29) * prime64c
	return x ^ x>>32
}

func finish3(x uint64) uint64 {
	x = (x ^ x>>37) * mixA
	return x ^ x>>32
}
