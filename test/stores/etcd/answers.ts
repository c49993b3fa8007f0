import {
  InterceptingCall,
  type Interceptor,
  type Metadata,
  type StatusObject,
  status,
} from '@grpc/grpc-js'

/** What etcd has done for a release: it wrote the notice, deleted the key, or found that the reign is over. */
export type Answer = 'written' | 'deleted' | 'over'

/** What is looked at of etcd’s answer to a transaction. */
interface TxnResponse {
  readonly succeeded: boolean
  readonly responses: readonly { readonly response_txn?: { readonly succeeded: boolean } }[]
}

/** etcd’s answers to the transactions that compare one key, on their way to a client: some never arrive. */
export class Answers {
  readonly #key: string
  #isLost: ((answer: Answer, before: number) => boolean) | null = null
  readonly #all: Answer[] = []
  readonly #timers = new Set<NodeJS.Timeout>()
  #missed = 0

  constructor(key: string) {
    this.#key = key
  }

  /** From now on those are lost that `isLost`, which is also told how many came before. */
  lose(isLost: (answer: Answer, before: number) => boolean): void {
    this.#isLost = isLost
  }

  /** What etcd has answered since then, lost or not. */
  get all(): readonly Answer[] {
    return this.#all
  }

  /** How many of those that are lost were waited for until their deadline. */
  get missed(): number {
    return this.#missed
  }

  /** Nobody waits for those that are lost any more. */
  end(): void {
    for (const timer of this.#timers) clearTimeout(timer)
  }

  /** For the client’s call options. */
  readonly interceptor: Interceptor = (options, nextCall) => {
    const isTransaction = options.method_definition.path === '/etcdserverpb.KV/Txn'
    if (!isTransaction) return new InterceptingCall(nextCall(options))
    let isCounted = false
    let handOn: (() => void) | null = null
    return new InterceptingCall(nextCall(options), {
      start: (metadata, _, next) =>
        next(metadata, {
          onReceiveMessage: (message: TxnResponse | null, arrive) => {
            // There is none in a call that has failed.
            if (message !== null && isCounted && this.#takes(message))
              handOn = () => arrive(message)
            else arrive(message)
          },
          onReceiveStatus: (told, arrive) => {
            if (handOn === null) arrive(told)
            else this.#miss(options.deadline, told.metadata, handOn, arrive)
          },
        }),
      sendMessage: (message: { readonly compare: readonly { readonly key: Buffer }[] }, next) => {
        isCounted =
          this.#isLost !== null && message.compare.some(({ key }) => String(key) === this.#key)
        next(message)
      },
    })
  }

  /** Returns whether it is lost. */
  #takes(message: TxnResponse): boolean {
    const answer = answerOf(message)
    this.#all.push(answer)
    return this.#isLost?.(answer, this.#all.length - 1) ?? false
  }

  /** As with any call: what has no answer by its deadline fails. */
  #miss(
    deadline: Date | number | undefined,
    metadata: Metadata,
    handOn: () => void,
    arrive: (status: StatusObject) => void,
  ): void {
    const miss = () => {
      this.#missed += 1
      this.#timers.delete(timer)
      handOn()
      arrive({ code: status.DEADLINE_EXCEEDED, details: 'the answer was lost', metadata })
    }
    const timer = setTimeout(miss, Number(deadline) - Date.now())
    this.#timers.add(timer)
  }
}

function answerOf({ succeeded, responses }: TxnResponse): Answer {
  if (succeeded) return 'deleted'
  return responses[0]?.response_txn?.succeeded ? 'written' : 'over'
}
