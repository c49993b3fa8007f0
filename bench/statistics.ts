/** The middle of what was measured, and how far it spreads. */
export interface Summary {
  readonly median: number
  /** The first and the third quartile. */
  readonly low: number
  readonly high: number
  readonly samples: number
}

export function summarise(values: readonly number[]): Summary {
  const sorted = [...values].sort((a, b) => a - b)
  const at = (share: number) => {
    const place = share * (sorted.length - 1)
    const below = sorted[Math.floor(place)] ?? Number.NaN
    const above = sorted[Math.ceil(place)] ?? Number.NaN
    return below + (above - below) * (place - Math.floor(place))
  }
  return { median: at(0.5), low: at(0.25), high: at(0.75), samples: sorted.length }
}
