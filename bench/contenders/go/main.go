// A process that competes with the election of etcd's own Go client, used as its documentation says:
// `main ENDPOINT NAME ID`. It tells what happens in lines, as bench/rolling-update/teller.ts does, and
// resigns on SIGTERM.
package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"os/signal"
	"syscall"
	"unsafe"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.etcd.io/etcd/client/v3/concurrency"
)

// In seconds; the same as that of the others.
const ttl = 10

const clockMonotonic = 1

func main() {
	endpoint, name, id := os.Args[1], os.Args[2], os.Args[3]
	told, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()

	client, err := clientv3.New(clientv3.Config{Endpoints: []string{"http://" + endpoint}})
	check(err)
	session, err := concurrency.NewSession(client, concurrency.WithTTL(ttl))
	check(err)
	election := concurrency.NewElection(session, name)

	// It waits once its key is there, of which Campaign tells nobody.
	watching, endWatch := context.WithCancel(context.Background())
	key := fmt.Sprintf("%s/%x", name, session.Lease())
	watch := client.Watch(clientv3.WithRequireLeader(watching), key, clientv3.WithCreatedNotify())
	<-watch
	go func() {
		<-watch
		tell("joined")
		endWatch()
	}()

	if err := election.Campaign(told, id); err == nil {
		tell("begins")
		<-told.Done()
		tell("ends")
		check(election.Resign(context.Background()))
	}
	check(session.Close())
	check(client.Close())
}

// By the monotonic clock that all processes of the machine share, in milliseconds.
func tell(what string) {
	var now syscall.Timespec
	if _, _, errno := syscall.Syscall(syscall.SYS_CLOCK_GETTIME, clockMonotonic, uintptr(unsafe.Pointer(&now)), 0); errno != 0 {
		log.Fatal(errno)
	}
	fmt.Printf("%.3f %s\n", float64(now.Nano())/1e6, what)
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
