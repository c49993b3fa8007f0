/** A part of a machine’s config. */
type Config = Readonly<Record<string, unknown>>

/** What is done in a test model besides what the machine does. */
interface Additions {
  /** The action that stands for the beginning of a service. Default: none. */
  begin?(service: string): Config
  /** The name of an action of every transition on an event. Default: none. */
  readonly taken?: string
}

/**
 * A statechart’s config in the form that test models take, which allow neither invoked services nor
 * delays. What a service reports is an event in any case, and a delay becomes one of its own name.
 * Everything that decides stays as it is.
 */
export function withoutServices(config: Config, additions: Additions = {}): Config {
  const { invoke, after, entry, on, states, ...rest } = config
  const { begin, taken } = additions
  const begun = begin === undefined ? [] : listOf(invoke).map(({ src }) => begin(String(src)))
  return {
    ...rest,
    entry: [...listOf(entry), ...begun],
    on: mapped({ ...Object(on), ...Object(after) }, (branches) =>
      listOf(branches).map(({ actions, ...branch }) => ({
        ...branch,
        actions: [...listOf(actions), ...(taken === undefined ? [] : [taken])],
      })),
    ),
    states: mapped(Object(states), (state) => withoutServices(Object(state), additions)),
  }
}

function mapped(config: Config, change: (part: unknown) => unknown): Config {
  return Object.fromEntries(Object.entries(config).map(([name, part]) => [name, change(part)]))
}

function listOf(oneOrMore: unknown): Config[] {
  return oneOrMore === undefined ? [] : [oneOrMore as Config].flat()
}
