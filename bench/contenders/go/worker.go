package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"runtime"
	"strconv"
	"sync"
	"syscall"
)

// In bytes: the paths of a measurement are one line.
const longestLine = 64 << 20

// What bench/process.ts asks, by Node.js's own channel: a line of JSON each.
type ask struct {
	Id       int      `json:"id"`
	Call     string   `json:"call"`
	Endpoint string   `json:"endpoint"`
	Warm     bool     `json:"warm"`
	Paths    []string `json:"paths"`
	Lead     bool     `json:"lead"`
}

type answer struct {
	Id     int    `json:"id"`
	Result any    `json:"result,omitempty"`
	Error  string `json:"error,omitempty"`
}

type span struct {
	StartedAt float64 `json:"startedAt"`
	DoneAt    float64 `json:"doneAt"`
}

// A worker is a process of candidates, as bench/worker.ts is.
type worker struct {
	contender  *contender
	candidates []*candidate
}

// serve answers one after the other until its parent is gone.
func serve() {
	descriptor, err := strconv.Atoi(os.Getenv("NODE_CHANNEL_FD"))
	check(err)
	channel := os.NewFile(uintptr(descriptor), "channel")
	lines := bufio.NewScanner(channel)
	lines.Buffer(nil, longestLine)
	answers := json.NewEncoder(channel)
	var w worker
	for lines.Scan() {
		var asked ask
		check(json.Unmarshal(lines.Bytes(), &asked))
		result, err := w.call(asked)
		answered := answer{Id: asked.Id, Result: result}
		if err != nil {
			answered.Error = err.Error()
		}
		check(answers.Encode(answered))
	}
}

func (w *worker) call(asked ask) (any, error) {
	switch asked.Call {
	case "prepare":
		w.contender = newContender(asked.Endpoint)
		if asked.Warm {
			w.contender.warm()
		}
		return nil, nil
	case "join":
		startedAt := now()
		w.candidates = append(w.candidates, w.contender.join(asked.Paths, asked.Lead)...)
		return span{startedAt, now()}, nil
	case "joinInTurn":
		var tookMs []float64
		for _, path := range asked.Paths {
			startedAt := now()
			joined := w.contender.join([]string{path}, true)
			tookMs = append(tookMs, joined[0].at-startedAt)
			w.candidates = append(w.candidates, joined...)
		}
		return tookMs, nil
	case "elected":
		first, last := math.Inf(1), math.Inf(-1)
		for _, one := range w.candidates {
			<-one.elected
			first, last = math.Min(first, one.at), math.Max(last, one.at)
		}
		return map[string]float64{"firstAt": first, "lastAt": last}, nil
	case "leave":
		leaving := w.candidates
		w.candidates = nil
		startedAt := now()
		var each sync.WaitGroup
		for _, one := range leaving {
			each.Add(1)
			go func() {
				defer each.Done()
				one.leave()
			}()
		}
		each.Wait()
		return span{startedAt, now()}, nil
	case "leaveFirst":
		first := w.candidates[0]
		w.candidates = w.candidates[1:]
		startedAt := now()
		first.leave()
		return span{startedAt, now()}, nil
	case "electedFirst":
		<-w.candidates[0].elected
		return map[string]float64{"at": w.candidates[0].at}, nil
	case "takeOverWithin":
		first := w.nextElected()
		startedAt := now()
		first.leave()
		return w.nextElected().at - startedAt, nil
	case "processorTime":
		var usage syscall.Rusage
		check(syscall.Getrusage(syscall.RUSAGE_SELF, &usage))
		return float64(usage.Utime.Nano()+usage.Stime.Nano()) / 1e6, nil
	case "heap":
		runtime.GC()
		var memory runtime.MemStats
		runtime.ReadMemStats(&memory)
		// A campaign that waits is a goroutine, with a stack of its own.
		return memory.HeapAlloc + memory.StackInuse, nil
	case "close":
		if w.contender != nil {
			w.contender.close()
		}
		return nil, nil
	default:
		return nil, fmt.Errorf("there is no call %s", asked.Call)
	}
}

// nextElected waits for the next that is elected, and takes it out.
func (w *worker) nextElected() *candidate {
	elected := make(chan *candidate, len(w.candidates))
	for _, one := range w.candidates {
		go func() {
			<-one.elected
			elected <- one
		}()
	}
	first := <-elected
	var others []*candidate
	for _, one := range w.candidates {
		if one != first {
			others = append(others, one)
		}
	}
	w.candidates = others
	return first
}
