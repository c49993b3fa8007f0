import { parseVersion } from './version.js'

/** The official image of a version. There is none for all of 3.5, so that stands for one of them. */
export function imageOf(asked: string): string {
  const version = parseVersion(asked)
  return `quay.io/coreos/etcd:v${IMAGE_OF_MINOR[version] ?? version}`
}

const IMAGE_OF_MINOR: Readonly<Record<string, string>> = {
  '3.4': '3.4.37',
  '3.5': '3.5.21',
  '3.6': '3.6.1',
  '3.7': '3.7.3',
}
