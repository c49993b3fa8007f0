import { render } from 'preact'
import { Connection } from './connection.js'
import { Model } from './model.js'
import { Page } from './page.js'
import { LiveContext } from './use-model.js'

const model = new Model()
const connection = new Connection(model)

render(
  <LiveContext.Provider value={{ model, connection }}>
    <Page />
  </LiveContext.Provider>,
  document.body,
)
