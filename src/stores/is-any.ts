/** Resolves with `true` as soon as one of the answers is, and with `false` once none can be any more. */
export function isAny(answers: readonly Promise<boolean>[]): Promise<boolean> {
  const yeses = answers.map(async (answer) => {
    if (!(await answer)) throw new Error('the answer is no')
  })
  return Promise.any(yeses).then(
    () => true,
    () => false,
  )
}
