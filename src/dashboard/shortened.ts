/** As much as the page shows of a value when it is pointed at. */
const LONGEST = 2_000

/** Text for the log, which keeps thousands of them: a value may be as long as etcd takes. */
export function shortened(text: string, longest = LONGEST): string {
  return text.length > longest ? `${text.slice(0, longest)}…` : text
}
