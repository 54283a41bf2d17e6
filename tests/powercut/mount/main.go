// Mount mounts a file system that forgets, at a directory, for programs of any kind to write
// to. It reads commands, one a line, and answers each with a line when it has been done:
//
//	cut DIRECTORY COUNT
//
// writes COUNT disks, as ext4 may leave them if the power were cut now, into DIRECTORY/0,
// DIRECTORY/1 and so on. The end of its input unmounts it.
package main

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"

	"github.com/logreel/logreel/tests/powercut"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "mount:", err)
		os.Exit(1)
	}
}

func run() error {
	if len(os.Args) != 2 {
		return fmt.Errorf("write one directory")
	}
	disk := powercut.NewDisk()
	unmount, err := powercut.Mount(disk, os.Args[1])
	if err != nil {
		return err
	}
	fmt.Println("mounted")
	random := rand.New(rand.NewPCG(1, 8))
	for commands := bufio.NewScanner(os.Stdin); commands.Scan(); {
		var dir string
		var count int
		if _, err := fmt.Sscanf(commands.Text(), "cut %s %d", &dir, &count); err != nil {
			return fmt.Errorf("%q: %w", commands.Text(), err)
		}
		now := disk.Ops()
		for i := range count {
			if err := disk.Cut(now, powercut.Ext4, random).Save(filepath.Join(dir, strconv.Itoa(i))); err != nil {
				return err
			}
		}
		fmt.Println("cut")
	}
	return unmount()
}
