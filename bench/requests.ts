/**
 * How many requests the server has received since it started, by its own metrics: every message of
 * every call, so that what goes over a stream counts as well.
 */
export async function requestsReceived(endpoint: string): Promise<number> {
  const response = await fetch(`http://${endpoint}/metrics`)
  const lines = (await response.text()).split('\n')
  return lines
    .filter((line) => line.startsWith('grpc_server_msg_received_total'))
    .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0)
}
