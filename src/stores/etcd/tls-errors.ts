/** What a failed TLS handshake comes down to. */
export interface TlsTrouble {
  readonly text: string
  /** Whether it stays like that however often it is tried. */
  readonly isForGood: boolean
}

interface Kind {
  readonly pattern: RegExp
  readonly isForGood: boolean
  say(host: string, detail: string): string
}

/** In the words of Node.js and OpenSSL; etcd is written in Go, whose alerts these are. */
const KINDS: readonly Kind[] = [
  {
    pattern: /certificate's altnames|ALTNAME_INVALID/i,
    isForGood: true,
    say: (host, detail) => `the certificate of ${host} is for other names: ${detail}`,
  },
  {
    // It comes right with time: a certificate is renewed, a clock is set.
    pattern: /certificate has expired|certificate is not yet valid/i,
    isForGood: false,
    say: (host, detail) => `the certificate of ${host} is not valid now: ${detail}`,
  },
  {
    pattern: /unable to (?:verify|get)[\w ]* certificate|self[- ]signed certificate/i,
    isForGood: true,
    say: (host, detail) =>
      `the certificate of ${host} is not trusted: ${detail}; give its CA's as credentials.rootCertificate`,
  },
  {
    pattern: /alert (?:bad certificate|certificate (?!unobtainable)\w+|unknown ca|access denied)/i,
    isForGood: true,
    say: (host, detail) =>
      `${host} refused this client's certificate, or asks for one: ${detail}; give it as credentials.certChain, with its privateKey`,
  },
  {
    pattern: /wrong version number/i,
    isForGood: true,
    say: (host, detail) => `${host} does not speak TLS: ${detail}; is it http://, not https://?`,
  },
  {
    // What etcd does when it speaks no TLS; and what a restart looks like.
    pattern: /disconnected before secure TLS connection/i,
    isForGood: false,
    say: (host) => `${host} ended the TLS handshake; if it stays so: is it http://, not https://?`,
  },
  {
    // What etcd does when it is spoken to without TLS (gRPC knows no more than that).
    pattern: /Last error: Failed to connect/,
    isForGood: false,
    say: (host) => `${host} ended the connection; if it stays so: is it https://, not http://?`,
  },
  {
    pattern: /certificate|alert handshake failure|alert protocol version|tlsv1 alert/i,
    isForGood: true,
    say: (host, detail) => `${host} and this client do not agree on TLS: ${detail}`,
  },
]

/** What `message` says of a handshake with `host`; `null` when it is about something else. */
export function tlsTrouble(message: string, host: string): TlsTrouble | null {
  const kind = KINDS.find(({ pattern }) => pattern.test(message))
  return kind ? { text: kind.say(host, detailOf(message)), isForGood: kind.isForGood } : null
}

/** Without what gRPC and OpenSSL put around it. */
export function detailOf(message: string): string {
  return message
    .replace(/^.*Last error: /s, '')
    .replace(/\s*(?:\([\d-]+T[\d:.]+Z\))?\.? Resolution note:.*$/s, '')
    .replace(/^Error(?: \[\w+\])?: /, '')
    .replace(/^(?:[\dA-F]+:)?error:[\dA-F]+:[^:]*:[^:]*:([^:]*):.*$/s, '$1')
    .trim()
}
