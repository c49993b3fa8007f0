/**
 * How many requests the server has received since it started, by their methods and by its own
 * metrics: every message of every call, so that what goes over a stream counts as well.
 */
export async function requestsByMethod(
  endpoint: string,
): Promise<Readonly<Record<string, number>>> {
  const response = await fetch(`http://${endpoint}/metrics`)
  const text = await response.text()
  const lines = text.matchAll(/^grpc_server_msg_received_total\{.*grpc_method="(\w+)".*\} (\S+)$/gm)
  const sums: Record<string, number> = {}
  // Two services have a method of the same name: Watch.
  for (const [, method = '', number] of lines) {
    if (Number(number) > 0) sums[method] = (sums[method] ?? 0) + Number(number)
  }
  return sums
}

export async function requestsReceived(endpoint: string): Promise<number> {
  const byMethod = await requestsByMethod(endpoint)
  return Object.values(byMethod).reduce((sum, number) => sum + number, 0)
}
