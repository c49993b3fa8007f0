/** Who is told what became of something that is promised. */
export interface PromiseListener {
  /** It was broken, in this way. */
  fault(what: string): void
  kept(): void
}
