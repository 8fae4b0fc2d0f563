package formula

import "github.com/sluice-hep/sluice/events/column"

// Columns are those that formulas are made of, found by their names: thousands of definitions, each of columns and of those before
// it, take time in proportion to their number.
type Columns struct {
	all []column.Column // name, unit and type
	at  map[string]int  // the first of each name
}

// NewColumns are columns, of which only names, units and types matter.
func NewColumns(columns []column.Column) *Columns {
	c := &Columns{make([]column.Column, 0, len(columns)), make(map[string]int, len(columns))}
	for i := range columns {
		if _, twice := c.at[columns[i].Name]; !twice {
			c.at[columns[i].Name] = i
		}
		c.all = append(c.all, head(&columns[i]))
	}
	return c
}

// head is a column without its values.
func head(c *column.Column) column.Column {
	return column.Column{Name: c.Name, Unit: c.Unit, Type: c.Type, Odd: c.Odd}
}

// Set adds the column that a formula makes, or has it replace that of its name, and tells its place.
func (c *Columns) Set(name string, f *Formula) (place int) {
	made := column.Column{Name: name, Unit: f.Unit(), Type: f.Type()}
	place, known := c.at[name]
	if !known {
		place = len(c.all)
		c.at[name], c.all = place, append(c.all, made)
	}
	c.all[place] = made
	return place
}

// Find is the place of the column of that name, or -1.
func (c *Columns) Find(name string) int {
	if i, ok := c.at[name]; ok {
		return i
	}
	return -1
}

// List is all of them.
func (c *Columns) List() []column.Column { return c.all }
