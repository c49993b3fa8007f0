/** Has nothing to do: that an actor was restored from a snapshot every service tells, which is why it is there. */
export function resume(): undefined {}
