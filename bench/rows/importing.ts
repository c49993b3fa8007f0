import type { Row } from '../row.js'

export const importing: Row = {
  name: 'import',
  title: 'a fresh process loads it',
  rounds: 15,
  contenders: ['locked', 'before', 'etcd3'],
  goals: [{ figure: 'ms until a key is read', atMost: 1.5, times: 'etcd3' }],
  async sample(place) {
    const figures = { 'ms until a key is read': await place.importing() }
    if (place.contender === 'etcd3') return figures
    return { ...figures, 'ms until a node of `memory:` leads': await place.importing('memory:') }
  },
}
