// Package validate tells how far a generated sample, a density or a posterior can be trusted.
package validate
