package main

import (
	"log"
	"syscall"
	"unsafe"
)

const clockMonotonic = 1

// now is the monotonic clock that all processes of the machine share, in milliseconds.
func now() float64 {
	var now syscall.Timespec
	if _, _, errno := syscall.Syscall(syscall.SYS_CLOCK_GETTIME, clockMonotonic, uintptr(unsafe.Pointer(&now)), 0); errno != 0 {
		log.Fatal(errno)
	}
	return float64(now.Nano()) / 1e6
}
