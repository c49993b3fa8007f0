// Processes that compete with the election of etcd's own Go client, used as its documentation says:
//
//	main update ENDPOINT NAME ID    one of a rolling update (bench/rolling-update)
//	main worker                     the candidates of a measurement (bench/process.ts)
package main

import (
	"log"
	"os"

	clientv3 "go.etcd.io/etcd/client/v3"
)

// In seconds; the same as that of the others.
const ttl = 10

func main() {
	switch {
	case len(os.Args) == 5 && os.Args[1] == "update":
		update(os.Args[2], os.Args[3], os.Args[4])
	case len(os.Args) == 2 && os.Args[1] == "worker":
		serve()
	default:
		log.Fatal("expected: update ENDPOINT NAME ID, or worker")
	}
}

func connect(endpoint string) *clientv3.Client {
	client, err := clientv3.New(clientv3.Config{Endpoints: []string{"http://" + endpoint}})
	check(err)
	return client
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
