import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from '../package/built.js'

/** A fenced block of a Markdown file. */
export interface Block {
  /** Relative to the repository. */
  readonly file: string
  /** That of the fence which opens it, from 1. */
  readonly line: number
  /** What stands behind the fence; empty when nothing does. */
  readonly language: string
  readonly text: string
  /** What a `text` block that follows says that it prints. */
  readonly output: string | null
}

/** All fenced blocks of a file. A `text` block right after another belongs to that as its output. */
export function blocksOf(file: string): readonly Block[] {
  return blocksIn(file, readFileSync(join(root, file), 'utf8'))
}

export function blocksIn(file: string, markdown: string): readonly Block[] {
  const blocks: Block[] = []
  const fenced = /^( *)```([^\n]*)\n([\s\S]*?)^ *```$/gm
  let end = 0
  for (const match of markdown.matchAll(fenced)) {
    const [all, indent = '', language = '', body = ''] = match
    const between = markdown.slice(end, match.index)
    end = match.index + all.length
    const text = body.replaceAll(new RegExp(`^${indent}`, 'gm'), '')
    const last = blocks.at(-1)
    if (language === 'text' && last !== undefined && between.trim() === '') {
      blocks[blocks.length - 1] = { ...last, output: text }
      continue
    }
    const line = markdown.slice(0, match.index).split('\n').length
    blocks.push({ file, line, language, text, output: null })
  }
  return blocks
}

/** Commands in the running text: what stands in backquotes and begins like one. */
export function inlineCommandsOf(file: string): readonly string[] {
  const markdown = readFileSync(join(root, file), 'utf8').replaceAll(/^ *```[\s\S]*?^ *```$/gm, '')
  const inline = markdown.matchAll(
    /`((?:npm (?:run |start|test|cit)|npx |locked [a-z]|bash )[^`]*)`/g,
  )
  return [...new Set([...inline].map(([, command = '']) => command))]
}
