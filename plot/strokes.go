package plot

import "math"

// polyline is a part of a path, in pixels.
type polyline struct {
	points []point
	closed bool
}

// lines are the parts of a path.
func (c *pixels) lines(p path) (all []polyline) {
	for _, s := range p {
		at := c.at(s.point)
		switch last := len(all) - 1; s.letter {
		case 'M':
			all = append(all, polyline{points: []point{at}})
		case 'Z':
			all[last].closed = true
		case 'O':
			all = append(all, polyline{circle(at, s.radius*c.scale), true})
		default:
			all[last].points = append(all[last].points, at)
		}
	}
	return all
}

func circle(at point, radius float64) []point {
	n := 8 + int(4*math.Sqrt(radius)) // chords that lie within a tenth of a pixel
	points := make([]point, n)
	for i := range points {
		sin, cos := math.Sincos(2 * math.Pi * float64(i) / float64(n))
		points[i] = point{at.x + radius*cos, at.y + radius*sin}
	}
	return points
}

// dashed cuts a line into dashes; without dashes it is the line itself.
func (l polyline) dashed(dashes []float64, scale float64) (all []polyline) {
	if len(dashes) == 0 {
		return []polyline{l}
	}
	points := l.points
	if l.closed {
		points = append(points[:len(points):len(points)], points[0])
	}
	k, left := 0, dashes[0]*scale
	on := []point{points[0]}
	for i := 1; i < len(points); i++ {
		for at := points[i-1]; ; {
			long := math.Hypot(points[i].x-at.x, points[i].y-at.y)
			if long < left {
				left -= long
				on = append(on, points[i])
				break
			}
			at = point{at.x + (points[i].x-at.x)*left/long, at.y + (points[i].y-at.y)*left/long}
			if k%2 == 0 {
				all = append(all, polyline{points: append(on, at)})
			}
			k++
			on, left = []point{at}, dashes[k%len(dashes)]*scale
		}
	}
	if k%2 == 0 {
		all = append(all, polyline{points: on})
	}
	return all
}

// widened is a line of twice half's width as polygons, its corners mitred.
func (l polyline) widened(half float64) (polygons [][]point) {
	var points []point // without those that repeat
	for _, p := range l.points {
		if n := len(points); n == 0 || points[n-1] != p {
			points = append(points, p)
		}
	}
	if n := len(points); l.closed && n > 2 {
		if points[n-1] == points[0] {
			points = points[:n-1]
		}
		points = append(points, points[0], points[1])
	}
	var before point
	for i := 1; i < len(points); i++ {
		p, q := points[i-1], points[i]
		long := math.Hypot(q.x-p.x, q.y-p.y)
		n := point{-(q.y - p.y) / long * half, (q.x - p.x) / long * half}
		if i > 1 {
			polygons = append(polygons, mitre(p, before, n))
		}
		if !(l.closed && i > 1 && i == len(points)-1) { // the first side again, for its corner
			polygons = append(polygons, []point{{p.x + n.x, p.y + n.y}, {q.x + n.x, q.y + n.y}, {q.x - n.x, q.y - n.y}, {p.x - n.x, p.y - n.y}})
		}
		before = n
	}
	return polygons
}

// mitre fills the outer side of a corner at p between two sides whose normals are a and b, with the limit of SVG; it turns in the sense of
// the sides.
func mitre(p, a, b point) []point {
	cross, dot, square := a.x*b.y-a.y*b.x, a.x*b.x+a.y*b.y, a.x*a.x+a.y*a.y
	if cross > 0 { // the outer side is that of the negative normals
		a, b = point{-b.x, -b.y}, point{-a.x, -a.y}
	}
	corner := []point{p, {p.x + a.x, p.y + a.y}}
	const limit = 4
	if s := square / (square + dot); 2*s < limit*limit {
		corner = append(corner, point{p.x + (a.x+b.x)*s, p.y + (a.y+b.y)*s})
	}
	return append(corner, point{p.x + b.x, p.y + b.y})
}
