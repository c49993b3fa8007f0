/**
 * How many requests the server has received since it started, by their methods and by its own
 * metrics: every message of every call, so that what goes over a stream counts as well.
 *
 * From 3.6 on etcd counts the end of a stream as a message that it has received. A renewal has a stream of
 * its own, and one answer: the answers are counted in place of those.
 */
export async function requestsByMethod(
  endpoint: string,
): Promise<Readonly<Record<string, number>>> {
  const response = await fetch(`http://${endpoint}/metrics`)
  const text = await response.text()
  const lines = text.matchAll(
    /^grpc_server_msg_(received|sent)_total\{.*grpc_method="(\w+)".*\} (\S+)$/gm,
  )
  const sums: Record<string, number> = {}
  // Two services have a method of the same name: Watch.
  for (const [, way, method = '', number] of lines) {
    const isCounted = way === (method === 'LeaseKeepAlive' ? 'sent' : 'received')
    if (isCounted && Number(number) > 0) sums[method] = (sums[method] ?? 0) + Number(number)
  }
  return sums
}

export async function requestsReceived(endpoint: string): Promise<number> {
  const byMethod = await requestsByMethod(endpoint)
  return Object.values(byMethod).reduce((sum, number) => sum + number, 0)
}
