/**
 * What a terminal obeys, or hides, rather than shows: control characters (C0, C1), those that turn the
 * direction of text or are not seen, and halves of characters. Not line feeds and tabs, which move
 * nothing but what follows, and not joiners, which Persian and emoji are written with.
 */
const OBEYED = /(?![\n\t\u200c\u200d])[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu

/**
 * Text that others wrote as a terminal may be given it, with JSON's escapes for what it would obey. JSON
 * means the same afterwards: such characters can stand in its strings only.
 */
export function shown(text: string): string {
  return text.replace(OBEYED, escaped)
}

/** Each of its UTF-16 units as JSON writes it, such as `\u001b`. */
export function escaped(character: string): string {
  return character
    .split('')
    .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
    .join('')
}
