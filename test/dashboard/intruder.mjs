// What a page of another site tries, by all the ways that it has. `learn` resolves with what it was told.

globalThis.learn = async (origin) => {
  const found = []
  const paths = ['/', '//', '/page.js', '/page.css', '/live', '/inspect', '/?token=%E0%A4%A']
  const asked = paths.flatMap((path) =>
    ['cors', 'no-cors'].map(async (mode) => {
      const text = await fetch(`${origin}${path}`, { mode, credentials: 'include' })
        .then((answer) => (answer.ok ? answer.text() : ''))
        .catch(() => '')
      if (text !== '') found.push(`${mode} ${path}: ${text}`)
    }),
  )
  const opened = paths.map(
    (path) =>
      new Promise((resolve) => {
        const socket = new WebSocket(`${origin.replace('http:', 'ws:')}${path}`)
        socket.onopen = () => {
          found.push(`WebSocket ${path}: opened`)
          socket.close()
        }
        socket.onclose = resolve
      }),
  )
  const loaded = Object.entries({ script: 'page.js', img: 'icon.svg', link: 'page.css' }).map(
    ([name, file]) =>
      new Promise((resolve) => {
        const element = document.createElement(name)
        if (name === 'link') element.rel = 'stylesheet'
        element[name === 'link' ? 'href' : 'src'] = `${origin}/${file}`
        element.onload = () => resolve(found.push(`${name}: loaded`))
        element.onerror = resolve
        document.head.append(element)
      }),
  )
  await Promise.all([...asked, ...opened, ...loaded])
  return found
}

/** Begins WebSockets, which are reset once the page is left. */
globalThis.begin = (address, count) => {
  for (let one = 0; one < count; one += 1) new WebSocket(address)
}
