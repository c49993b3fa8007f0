import { useContext, useEffect, useState } from 'preact/hooks'
import type { PathNow } from '../protocol.js'
import type { Model } from './model.js'
import { LiveContext } from './use-model.js'

/** Seldom enough for one to be heard out before the next. */
const EVERY_MS = 3_000

/** Tells whoever hears the page, rather than sees it, that paths have changed hands. */
export function Announcements() {
  const live = useContext(LiveContext)
  const [said, say] = useState('')
  useEffect(() => {
    if (live === null) return
    const { model } = live
    let sinceMs: number | null = null
    const look = () => {
      if (!model.isConnected) return
      if (sinceMs !== null) say((before) => sentenceFor(model, sinceMs ?? 0) ?? before)
      sinceMs = latestOf(model)
    }
    const timer = setInterval(look, EVERY_MS)
    return () => clearInterval(timer)
  }, [live])
  return (
    <p class="heard" role="status">
      {said}
    </p>
  )
}

function latestOf({ paths }: Model): number {
  let latest = 0
  for (const { sinceMs } of paths.values()) latest = Math.max(latest, sinceMs)
  return latest
}

function sentenceFor({ paths }: Model, sinceMs: number): string | null {
  const changed = [...paths.values()].filter((path) => path.sinceMs > sinceMs)
  const [only] = changed
  if (only === undefined) return null
  return changed.length === 1 ? sentenceOf(only) : `${changed.length} paths have changed hands`
}

function sentenceOf({ path, holder }: PathNow): string {
  if (holder === null) return `${path} is vacant`
  return `${path} is held by ${holder.id ?? 'what is not a record'}`
}
