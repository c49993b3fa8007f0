/** What a node tells its user. */
export interface Told {
  readonly event: string
  readonly args: readonly unknown[]
}

/** What the node emits for what the machine emits. */
export function toldBy(emitted: unknown): Told[] {
  const { type, ...rest } = Object(emitted)
  switch (type) {
    case 'select':
      return ['select', 'selected'].map((event) => ({ event, args: [rest.value] }))
    case 'deselect':
      return [{ event: type, args: [rest.reason] }]
    case 'change':
      return [{ event: type, args: [rest.value, rest.id] }]
    case 'refresh':
      return [{ event: type, args: [rest.value] }]
    case 'vacant':
      return [{ event: type, args: [] }]
    case 'unreachable':
      return [{ event: type, args: [rest.error.name, rest.attempt] }]
    case 'error':
      return [{ event: type, args: [rest.error.name] }]
    default:
      return []
  }
}
