import { useMemo, useState } from 'preact/hooks'
import type { Action, NodeNow, PathNow } from '../protocol.js'
import { type Competing, competitionFor, inspectedByPath, pathsOf } from './competing.js'
import { showDuration, showTime, showValue } from './format.js'
import { HandOver } from './hand-over.js'
import type { Model } from './model.js'
import { RowsInSight } from './rows-in-sight.js'
import { useModel } from './use-model.js'

const MOST_NAMES = 6

const ACTION_NAMES: Record<Action, string> = {
  start: 'Start',
  stop: 'Stop',
  freeze: 'Freeze or thaw',
  kill: 'Kill',
  jump: 'Clock jump',
}

/** Each path with its holder, and the nodes that can be acted on. */
export function NowView() {
  const { model, connection } = useModel(true)
  const [filter, setFilter] = useState('')
  const all = useMemo(() => pathsOf(model), [model, model.pathsVersion])
  const paths = useMemo(() => all.filter((path) => path.includes(filter)), [all, filter])
  const inspected = inspectedByPath(model)
  const controlled = [...model.nodes.values()].filter(({ actions }) => actions.length > 0)
  return (
    <>
      <p class="tools">
        <label>
          Path{' '}
          <input type="search" value={filter} onInput={(e) => setFilter(e.currentTarget.value)} />
        </label>{' '}
        <span class="count">
          {paths.length} {paths.length === 1 ? 'path' : 'paths'}, {model.nodes.size} inspected{' '}
          {model.nodes.size === 1 ? 'node' : 'nodes'}
        </span>
      </p>
      {paths.length === 0 && <p class="empty">Nothing stands there yet.</p>}
      {paths.length > 0 && (
        <table class="now">
          <thead>
            <tr>
              <th scope="col">Path</th>
              <th scope="col">Holder</th>
              <th scope="col">Value</th>
              <th scope="col">Token</th>
              <th scope="col">Since</th>
              <th scope="col">Competitors</th>
            </tr>
          </thead>
          <RowsInSight
            keys={paths}
            columns={6}
            row={(path) => <PathRow key={path} path={path} model={model} inspected={inspected} />}
          />
        </table>
      )}
      {controlled.length > 0 && (
        <section class="controls" aria-label="Nodes">
          <h2>Nodes</h2>
          {controlled.map((node) => (
            <fieldset key={node.key} disabled={!model.isKnown(node.source)}>
              <legend>
                <StateBadge node={node} model={model} /> {node.id}
              </legend>
              {node.actions.map((action) => (
                <button
                  type="button"
                  key={action}
                  onClick={() => connection.control({ node: node.key, action })}
                >
                  {ACTION_NAMES[action]}
                </button>
              ))}
            </fieldset>
          ))}
        </section>
      )}
    </>
  )
}

interface PathRowProps {
  readonly path: string
  readonly model: Model
  readonly inspected: ReturnType<typeof inspectedByPath>
}

function PathRow({ path, model, inspected }: PathRowProps) {
  const competition = competitionFor(path, model, inspected)
  const now = model.paths.get(path)
  const isKnown = now !== undefined && model.isKnown(now.source)
  const waiting = model.waiting.get(path)
  const isAwaited = waiting !== undefined && model.isKnown(waiting.source)
  const shown = competition.first.slice(0, MOST_NAMES)
  const more = competition.first.length - shown.length + competition.more
  return (
    <tr class={isKnown ? undefined : 'unknown'} data-path={path}>
      <th scope="row">{path}</th>
      {now === undefined || !isKnown ? (
        <td class="doubt" data-label="Holder" colSpan={4}>
          {now === undefined ? (isAwaited ? 'vacant' : 'not watched') : lastKnown(now)}
        </td>
      ) : (
        <Holding now={now} model={model} />
      )}
      <td data-label="Competitors">
        {shown.map((one) => (
          <Competitor key={one.key} one={one} />
        ))}
        {more > 0 && <span class="more">and {more} more</span>}
        {shown.length === 0 && <span class="none">{isKnown ? 'none' : 'none known'}</span>}
        {model.mayHandOver && isAwaited && isKnown && now.holder !== null && (
          <HandOver {...waiting} />
        )}
      </td>
    </tr>
  )
}

function Competitor({ one: { id, state, since } }: { readonly one: Competing }) {
  return (
    <span class="competitor" title={since === null ? undefined : `since revision ${since}`}>
      <span class={`badge ${state}`}>{state}</span> {id ?? <span class="none">not a record</span>}
    </span>
  )
}

function Holding({ now, model }: { readonly now: PathNow; readonly model: Model }) {
  const { holder, sinceMs } = now
  const since = `${showDuration(model.nowMs() - sinceMs)}`
  return (
    <>
      {holder === null ? (
        <td class="vacant" data-label="Holder" colSpan={3}>
          vacant
        </td>
      ) : (
        <>
          <td class="holder" data-label="Holder">
            {holder.id ?? <span class="none">not a record</span>}
          </td>
          <td class="value" data-label="Value" title={showValue(holder.value, 2_000)}>
            {showValue(holder.value)}
          </td>
          <td class="number" data-label="Token">
            {holder.token}
          </td>
        </>
      )}
      <td class="number" data-label="Since" title={showTime(sinceMs)}>
        {since}
      </td>
    </>
  )
}

function lastKnown({ holder, sinceMs }: PathNow): string {
  const what = holder === null ? 'vacant' : `held by ${holder.id ?? 'what is not a record'}`
  return `not known now; at last ${what}, from ${showTime(sinceMs)}`
}

export function StateBadge({ node, model }: { readonly node: NodeNow; readonly model: Model }) {
  const [state = ''] = model.isKnown(node.source) ? node.state.split('.') : ['unknown']
  return <span class={`badge ${state}`}>{state}</span>
}
