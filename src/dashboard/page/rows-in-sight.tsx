import type { ComponentChild } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'

/** So many rows are drawn together, or left out together. */
const CHUNK = 50
/** What a row takes that was never drawn, in pixels. */
const USUAL_ROW_PX = 36
/** Rows that are so far from what is in sight are drawn already. */
const AHEAD = '800px'

interface RowsInSightProps {
  readonly keys: readonly string[]
  readonly columns: number
  row(key: string): ComponentChild
}

/** The body of a table, however long: only those of its rows are drawn that are in sight, or nearly. */
export function RowsInSight({ keys, columns, row }: RowsInSightProps) {
  const chunks = Array.from({ length: Math.ceil(keys.length / CHUNK) }, (_, index) =>
    keys.slice(index * CHUNK, (index + 1) * CHUNK),
  )
  return (
    <>
      {chunks.map((chunk, index) => (
        <Chunk key={index} keys={chunk} columns={columns} row={row} isFirst={index === 0} />
      ))}
    </>
  )
}

function Chunk({ keys, columns, row, isFirst }: RowsInSightProps & { readonly isFirst: boolean }) {
  const body = useRef<HTMLTableSectionElement>(null)
  const height = useRef(keys.length * USUAL_ROW_PX)
  const [isInSight, setIsInSight] = useState(isFirst)
  useEffect(() => {
    const { current } = body
    if (current === null) return
    const observer = new IntersectionObserver(
      ([entry]) => {
        if (entry === undefined) return
        // What is drawn is as high as it is.
        height.current = entry.boundingClientRect.height
        setIsInSight(entry.isIntersecting)
      },
      { rootMargin: AHEAD },
    )
    observer.observe(current)
    return () => observer.disconnect()
  }, [])
  return (
    <tbody ref={body}>
      {isInSight ? (
        keys.map(row)
      ) : (
        <tr style={{ height: `${height.current}px` }}>
          <td colSpan={columns} />
        </tr>
      )}
    </tbody>
  )
}
