import { describeSpan, placeOf, ROW_PX } from './bars.js'
import { showSummary, showTime } from './format.js'
import { type Lane, seamsOf, spansOf, summaryOf } from './lanes.js'
import type { Model } from './model.js'

const LABEL_PX = 300
const BARS_PX = 1_200
const HEAD_PX = 30

const COLOURS: Readonly<Record<string, string>> = {
  held: '#0a5c2b',
  leader: '#1a7f37',
  follower: '#4c8bd6',
  campaigning: '#c77d00',
  vacant: '#cf222e',
  stopped: '#9aa0a6',
  killed: '#57606a',
  idle: '#c4c8cc',
  unknown: '#e0d6f5',
}

const SEAM_COLOUR = '#1b1f23'

/** Saves all lanes, as they are between two moments, as a picture that needs nothing else. */
export function exportSvg(
  model: Model,
  lanes: readonly Lane[],
  fromMs: number,
  toMs: number,
): void {
  const url = URL.createObjectURL(
    new Blob([svgOf(model, lanes, fromMs, toMs)], { type: 'image/svg+xml' }),
  )
  const link = document.createElement('a')
  link.href = url
  link.download = `locked-${new Date(toMs).toISOString().replace(/[:.]/g, '-')}.svg`
  link.click()
  setTimeout(() => URL.revokeObjectURL(url), 1_000)
}

function svgOf(model: Model, lanes: readonly Lane[], fromMs: number, toMs: number): string {
  const document = window.document.implementation.createDocument(
    'http://www.w3.org/2000/svg',
    'svg',
  )
  const { documentElement: svg } = document
  // Built as a document and not as text, so that a value can only ever be text in it.
  const add = (
    parent: Element,
    name: string,
    attributes: Record<string, string | number>,
    text?: string,
  ) => {
    const element = document.createElementNS('http://www.w3.org/2000/svg', name)
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, String(value))
    if (text !== undefined) element.textContent = printable(text)
    parent.append(element)
    return element
  }
  const height = HEAD_PX + lanes.length * ROW_PX
  svg.setAttribute('viewBox', `0 0 ${LABEL_PX + BARS_PX} ${height}`)
  svg.setAttribute('width', String(LABEL_PX + BARS_PX))
  svg.setAttribute('height', String(height))
  svg.setAttribute('font-family', 'sans-serif')
  svg.setAttribute('font-size', '12')
  add(svg, 'rect', { width: '100%', height: '100%', fill: '#ffffff' })
  add(svg, 'text', { x: 8, y: 19 }, `${model.title} ${showTime(fromMs)} to ${showTime(toMs)}`)
  lanes.forEach((lane, index) => {
    const spans = spansOf(model, lane, fromMs, toMs, model.nowMs())
    const top = HEAD_PX + index * ROW_PX
    const summary = lane.isPath ? ` (${showSummary(summaryOf(spans))})` : ''
    const weight = lane.isPath ? 'bold' : 'normal'
    add(
      svg,
      'text',
      { x: lane.isPath ? 8 : 20, y: top + 17, 'font-weight': weight },
      lane.label + summary,
    )
    const xOf = (atMs: number) => LABEL_PX + ((atMs - fromMs) / (toMs - fromMs)) * BARS_PX
    for (const span of spans) {
      const [y, height] = placeOf(span, lane.isPath)
      const x = xOf(span.fromMs)
      const width = Math.max(1, ((span.toMs - span.fromMs) / (toMs - fromMs)) * BARS_PX)
      const fill = COLOURS[span.state] ?? '#000000'
      const bar = add(svg, 'rect', { x, y: top + y, width, height, fill })
      add(bar, 'title', {}, describeSpan(span))
    }
    for (const atMs of lane.isPath ? seamsOf(spans) : []) {
      const [x, y] = [xOf(atMs) - 1, top + 1]
      add(svg, 'rect', { x, y, width: 2, height: ROW_PX - 2, fill: SEAM_COLOUR })
    }
  })
  return new XMLSerializer().serializeToString(document)
}

/** XML has no way to write control characters. */
function printable(text: string): string {
  return text.replace(/[^\P{C}\n\t]/gu, '\u{fffd}')
}
