import type { ComponentChild } from 'preact'
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks'

/** So many rows are drawn together, or left out together. */
const CHUNK = 50
/** What a row takes that was never drawn, in pixels. */
const USUAL_ROW_PX = 36
/** Rows that are so far from what is in sight are drawn already. */
const AHEAD_PX = 800

interface RowsInSightProps {
  readonly keys: readonly string[]
  readonly columns: number
  row(key: string): ComponentChild
}

/** The bodies of a table, however long: only those of its rows are drawn that are in sight, or nearly. */
export function RowsInSight({ keys, columns, row }: RowsInSightProps) {
  const start = useRef<HTMLTableSectionElement>(null)
  const drawn = useRef(new Map<number, HTMLTableSectionElement>())
  /** Of the chunks that were drawn, as high as they were. */
  const heights = useRef<number[]>([])
  /** How far the window is scrolled below the first row. */
  const [top, setTop] = useState(0)
  useEffect(() => {
    const look = () => setTop(-(start.current?.getBoundingClientRect().top ?? 0))
    look()
    addEventListener('scroll', look, { passive: true })
    addEventListener('resize', look)
    return () => {
      removeEventListener('scroll', look)
      removeEventListener('resize', look)
    }
  }, [])
  useLayoutEffect(() => {
    for (const [chunk, body] of drawn.current) heights.current[chunk] = body.offsetHeight
  })
  const { first, last, beforePx, afterPx } = sightOf(keys.length, heights.current, top)
  const chunks = Array.from({ length: last - first }, (_, index) => first + index)
  return (
    <>
      <tbody ref={start}>
        <Gap px={beforePx} columns={columns} />
      </tbody>
      {chunks.map((chunk) => (
        <tbody
          key={chunk}
          ref={(body) => {
            if (body === null) drawn.current.delete(chunk)
            else drawn.current.set(chunk, body)
          }}
        >
          {keys.slice(chunk * CHUNK, (chunk + 1) * CHUNK).map(row)}
        </tbody>
      ))}
      <tbody>
        <Gap px={afterPx} columns={columns} />
      </tbody>
    </>
  )
}

/** What is there of the rows that are not drawn. */
function Gap({ px, columns }: { readonly px: number; readonly columns: number }) {
  if (px === 0) return null
  return (
    <tr style={{ height: `${px}px` }}>
      <td colSpan={columns} />
    </tr>
  )
}

/** Which chunks are in sight, and how high all are that come before and after them. */
function sightOf(rows: number, heights: readonly number[], top: number) {
  const count = Math.ceil(rows / CHUNK)
  const [from, to] = [top - AHEAD_PX, top + innerHeight + AHEAD_PX]
  let [first, last, px, beforePx, afterPx] = [count, 0, 0, 0, 0]
  for (let chunk = 0; chunk < count; chunk += 1) {
    const inChunk = Math.min(CHUNK, rows - chunk * CHUNK)
    const measured = heights[chunk]
    const height = inChunk < CHUNK ? inChunk * USUAL_ROW_PX : (measured ?? inChunk * USUAL_ROW_PX)
    if (px + height < from && chunk < count - 1) beforePx += height
    else if (px > to && last > 0) afterPx += height
    else {
      first = Math.min(first, chunk)
      last = chunk + 1
    }
    px += height
  }
  return { first: Math.min(first, last), last, beforePx, afterPx }
}
