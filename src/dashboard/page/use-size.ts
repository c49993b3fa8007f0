import type { RefObject } from 'preact'
import { useEffect, useState } from 'preact/hooks'

export interface Size {
  readonly width: number
  readonly height: number
}

/** Below it, what stands beside one another in a row is drawn in two lines. */
const NARROW_PX = 600

export function isNarrow({ width }: Size): boolean {
  return width < NARROW_PX
}

/** How much room there is in an element, now and whenever that changes. */
export function useSize(frame: RefObject<HTMLElement | null>): Size {
  const [size, setSize] = useState<Size>({ width: 800, height: 600 })
  useEffect(() => {
    const { current } = frame
    if (current === null) return
    const observer = new ResizeObserver(() => {
      setSize({ width: current.clientWidth, height: current.clientHeight })
    })
    observer.observe(current)
    return () => observer.disconnect()
  }, [frame])
  return size
}
