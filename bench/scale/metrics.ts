/** What etcd counts of itself. */
export interface Counted {
  /** Messages received, of all calls and streams. */
  readonly requests: number
  readonly bytesIn: number
  readonly bytesOut: number
  /** In milliseconds. */
  readonly processorMs: number
  readonly watches: number
  readonly revision: number
  /** In bytes: what Go's heap and stacks have in use. */
  readonly memory: number
}

export async function countedBy(endpoint: string): Promise<Counted> {
  const text = await (await fetch(`http://${endpoint}/metrics`)).text()
  const sum = (name: string) =>
    [...text.matchAll(new RegExp(`^${name}(?:\\{.*\\})? (\\S+)$`, 'gm'))].reduce(
      (total, [, number]) => total + Number(number),
      0,
    )
  return {
    requests: sum('grpc_server_msg_received_total'),
    bytesIn: sum('etcd_network_client_grpc_received_bytes_total'),
    bytesOut: sum('etcd_network_client_grpc_sent_bytes_total'),
    processorMs: sum('process_cpu_seconds_total') * 1_000,
    watches: sum('etcd_debugging_mvcc_watcher_total'),
    revision: sum('etcd_debugging_mvcc_current_revision'),
    memory: sum('go_memstats_heap_inuse_bytes') + sum('go_memstats_stack_inuse_bytes'),
  }
}

/** What has come between the two; of what stands, rather than adds up, the later. */
export function between(earlier: Counted, later: Counted): Counted {
  return {
    requests: later.requests - earlier.requests,
    bytesIn: later.bytesIn - earlier.bytesIn,
    bytesOut: later.bytesOut - earlier.bytesOut,
    processorMs: later.processorMs - earlier.processorMs,
    revision: later.revision - earlier.revision,
    watches: later.watches,
    memory: later.memory,
  }
}
