package main

import (
	"context"
	"fmt"
	"strings"
	"sync"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.etcd.io/etcd/client/v3/concurrency"
)

// A contender has one session for all its candidates, but for those that share a path: there each
// needs its own, as its key is made of the path and the session.
type contender struct {
	client *clientv3.Client
	mutex  sync.Mutex
	shared *concurrency.Session
	path   map[string]bool
	own    []*concurrency.Session
}

type candidate struct {
	election *concurrency.Election
	key      string
	// Closed when it is elected, at the time at.
	elected chan struct{}
	at      float64
}

func newContender(endpoint string) *contender {
	return &contender{client: connect(endpoint), path: map[string]bool{}}
}

// warm does once what all candidates of a process share.
func (c *contender) warm() {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if c.shared == nil {
		c.shared = c.newSession()
	}
}

func (c *contender) newSession() *concurrency.Session {
	session, err := concurrency.NewSession(c.client, concurrency.WithTTL(ttl))
	check(err)
	return session
}

func (c *contender) sessionFor(path string) *concurrency.Session {
	c.warm()
	c.mutex.Lock()
	isTaken := c.path[path]
	c.path[path] = true
	c.mutex.Unlock()
	if !isTaken {
		return c.shared
	}
	session := c.newSession()
	c.mutex.Lock()
	c.own = append(c.own, session)
	c.mutex.Unlock()
	return session
}

// join returns once all lead, or wait. That one waits Campaign tells nobody: its key is there then,
// which is watched only where lead does not say that all are to be elected.
func (c *contender) join(paths []string, lead bool) []*candidate {
	made := make([]*candidate, len(paths))
	var each sync.WaitGroup
	for i, path := range paths {
		each.Add(1)
		go func() {
			defer each.Done()
			session := c.sessionFor(path)
			made[i] = &candidate{
				election: concurrency.NewElection(session, path),
				key:      fmt.Sprintf("%s/%x", path, session.Lease()),
				elected:  make(chan struct{}),
			}
		}()
	}
	each.Wait()
	var joined func()
	if !lead {
		joined = c.watch(made)
	}
	for _, one := range made {
		go one.campaign()
	}
	if lead {
		for _, one := range made {
			<-one.elected
		}
	} else {
		joined()
	}
	return made
}

func (one *candidate) campaign() {
	if err := one.election.Campaign(context.Background(), "10"); err != nil {
		return // its session has ended, or the process ends
	}
	one.at = now()
	close(one.elected)
}

// watch returns what waits until the keys of all are there.
func (c *contender) watch(all []*candidate) func() {
	missing := map[string]bool{}
	for _, one := range all {
		missing[one.key] = true
	}
	prefix := all[0].key[:strings.LastIndex(all[0].key, "/")]
	prefix = prefix[:strings.LastIndex(prefix, "/")+1]
	watching, end := context.WithCancel(context.Background())
	watch := c.client.Watch(watching, prefix, clientv3.WithPrefix(), clientv3.WithCreatedNotify())
	<-watch
	return func() {
		defer end()
		for response := range watch {
			check(response.Err())
			for _, event := range response.Events {
				delete(missing, string(event.Kv.Key))
			}
			if len(missing) == 0 {
				return
			}
		}
	}
}

func (one *candidate) leave() {
	check(one.election.Resign(context.Background()))
}

func (c *contender) close() {
	for _, session := range append(c.own, c.shared) {
		if session != nil {
			_ = session.Close()
		}
	}
	_ = c.client.Close()
}
