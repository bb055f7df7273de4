// Package infra has nothing of its own but the test of the project's import
// arrows; what it is for is in the packages below it.
package infra
