import { useEffect, useRef, useState } from 'preact/hooks'
import type { SourceNow } from '../protocol.js'
import { Announcements } from './announcements.js'
import { showDuration } from './format.js'
import { LogView } from './log-view.js'
import { NowView } from './now-view.js'
import { StatechartView } from './statechart-view.js'
import { TimeView } from './time-view.js'
import { useModel } from './use-model.js'

const VIEWS = [
  { id: 'now', name: 'Now', View: NowView },
  { id: 'statechart', name: 'Statechart', View: StatechartView },
  { id: 'time', name: 'Time', View: TimeView },
  { id: 'log', name: 'Log', View: LogView },
] as const

type ViewId = (typeof VIEWS)[number]['id']

/** The whole page: where it learns from, and one of four views. */
export function Page() {
  const [id, choose] = useView()
  const tabs = useRef<HTMLDivElement>(null)
  const { View } = VIEWS.find((view) => view.id === id) ?? VIEWS[0]
  const move = (event: KeyboardEvent) => {
    const at = VIEWS.findIndex((view) => view.id === id)
    const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: -1 }[event.key]
    const next = to === undefined ? undefined : VIEWS.at(to % VIEWS.length)
    if (next === undefined) return
    event.preventDefault()
    choose(next.id)
    tabs.current?.querySelector<HTMLElement>(`#tab-${next.id}`)?.focus()
  }
  return (
    <>
      <header>
        <h1>
          <img src="icon.svg" alt="" width="20" height="20" /> locked
          <Title />
        </h1>
        <div role="tablist" aria-label="Views" ref={tabs} onKeyDown={move}>
          {VIEWS.map((view) => (
            <button
              type="button"
              role="tab"
              key={view.id}
              id={`tab-${view.id}`}
              aria-selected={view.id === id}
              aria-controls="view"
              tabIndex={view.id === id ? 0 : -1}
              onClick={() => choose(view.id)}
            >
              {view.name}
            </button>
          ))}
        </div>
        <Sources />
      </header>
      <Lost />
      <Announcements />
      <main>
        <div id="view" role="tabpanel" aria-labelledby={`tab-${id}`} data-view={id}>
          <View />
        </div>
      </main>
    </>
  )
}

function Title() {
  const { model } = useModel()
  return <span class="title">{model.title}</span>
}

/** The view stands in the address, so that it can be linked to, and a reload keeps it. */
function useView(): [ViewId, (id: ViewId) => void] {
  const chosen = () => VIEWS.find(({ id }) => `#${id}` === location.hash)?.id ?? 'now'
  const [id, setId] = useState<ViewId>(chosen)
  useEffect(() => {
    const follow = () => setId(chosen())
    addEventListener('hashchange', follow)
    return () => removeEventListener('hashchange', follow)
  }, [])
  return [
    id,
    (next) => {
      location.hash = next
      setId(next)
    },
  ]
}

function Sources() {
  const { model } = useModel()
  const sources = [...model.sources.values()]
  const processes = sources.filter(({ kind }) => kind === 'process')
  const there = processes.filter(({ isConnected }) => isConnected)
  return (
    <ul class="sources" aria-label="Sources">
      {sources
        .filter(({ kind }) => kind !== 'process')
        .map((source) => (
          <Source key={source.id} {...source} />
        ))}
      {processes.length > 0 && (
        <li class={there.length === processes.length ? 'connected' : 'disconnected'}>
          {there.length} of {processes.length} inspected{' '}
          {processes.length === 1 ? 'process' : 'processes'} connected
        </li>
      )}
    </ul>
  )
}

function Source({ name, isConnected, problem }: SourceNow) {
  return (
    <li class={isConnected ? 'connected' : 'disconnected'} title={problem ?? undefined}>
      {name}
      {isConnected ? '' : `: disconnected${problem === null ? '' : ` (${problem})`}`}
    </li>
  )
}

function Lost() {
  const { model } = useModel(true)
  if (model.lostAtMs === null) return null
  return (
    <p class="lost" role="alert">
      The dashboard’s server does not answer, since {showDuration(Date.now() - model.lostAtMs)}.
      What is shown is what was known then.
    </p>
  )
}
