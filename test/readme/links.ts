import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { root } from '../package/built.js'

/** Where a document leads, its pictures included. */
export function linksOf(file: string): readonly string[] {
  return linksIn(readFileSync(join(root, file), 'utf8'))
}

export function linksIn(markdown: string): readonly string[] {
  const text = withoutCode(markdown)
  const links = text.matchAll(/\]\(([^)\s]*)\)|(?:src|srcset|href)="([^"]*)"/g)
  return [...links].map(([, link, attribute]) => link ?? attribute ?? '')
}

/** What is wrong with a link that stands in `file`, or `null`. Nothing is asked of the network. */
export function wrongWithLink(file: string, link: string): string | null {
  if (/^[a-z]+:/.test(link)) {
    return URL.canParse(link) && link.startsWith('https://') ? null : `${link} is no https address`
  }
  const [path = '', anchor] = link.split('#')
  const target = path === '' ? join(root, file) : join(root, dirname(file), path)
  if (!existsSync(target)) return `${link}: there is no file ${path}`
  if (anchor === undefined || anchorsIn(target).includes(anchor)) return null
  return `${link}: there is no heading #${anchor}`
}

/** As GitHub makes them of headings: of two that are alike, the second has a number. */
function anchorsIn(file: string): readonly string[] {
  const seen = new Map<string, number>()
  return [...withoutBlocks(readFileSync(file, 'utf8')).matchAll(/^#+ (.*)$/gm)].map(
    ([, heading = '']) => {
      const anchor = heading
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
        .replaceAll(' ', '-')
      const times = seen.get(anchor) ?? 0
      seen.set(anchor, times + 1)
      return times === 0 ? anchor : `${anchor}-${times}`
    },
  )
}

function withoutBlocks(markdown: string): string {
  return markdown.replaceAll(/^ *```[\s\S]*?^ *```$/gm, '')
}

/** Neither blocks nor what stands in backquotes, unless that is the text of a link. */
function withoutCode(markdown: string): string {
  return withoutBlocks(markdown).replaceAll(/`[^`\n]*`/g, '')
}
