package main

import (
	"context"
	"fmt"
	"os/signal"
	"syscall"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.etcd.io/etcd/client/v3/concurrency"
)

// update competes until SIGTERM, and then resigns. It tells what happens in lines, as
// bench/rolling-update/teller.ts does.
func update(endpoint, name, id string) {
	told, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()

	client := connect(endpoint)
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

func tell(what string) {
	fmt.Printf("%.3f %s\n", now(), what)
}
